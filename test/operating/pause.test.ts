import { join } from 'node:path';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobStatus, PhaseName } from '../../contract/job.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { makeManyFiles } from '../support/many-files.ts';
import { until } from '../support/patience.ts';
import { makePictures } from '../support/pictures.ts';
import { createStandIn } from '../support/stand-in-embedder.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const FILES = 20_000;
const PICTURES = 600;
/** Several seconds of work, which costs nothing. */
const PER_SECOND = 150;

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench({ plugin: { embedder: createStandIn({ perSecond: PER_SECOND }) } });
  await makePictures(join(bench.folder, 'pictures'), PICTURES);
  await makeManyFiles(join(bench.folder, 'files'), FILES);
});

afterAll(() => bench?.stop());

/** Starts a load and returns once its phase is well under way. */
async function underWay(phase: PhaseName): Promise<{ dataset: string; jobId: string }> {
  const dataset = bench.newDataset();
  const source = join(bench.folder, phase === 'indexing' ? 'files' : 'pictures');
  const { job_id } = await bench.startLoad({ dataset, source, embed: phase === 'embedding' });
  for await (const { phases, finished_at } of bench.watch(job_id)) {
    const { done, total } = phases[phase];
    if (done > 0 && done < total) return { dataset, jobId: job_id };
    if (finished_at !== null) break;
  }
  throw new Error(`The ${phase} phase was over before it could be disturbed.`);
}

/** Pending activities and children of the workflow that runs a phase. */
async function pendingOf(dataset: string, phase: PhaseName) {
  const id = phase === 'indexing' ? `load-${dataset}` : `embed-${dataset}:built-in`;
  const { raw } = await bench.temporal.workflow.getHandle(id).describe();
  return { activities: raw.pendingActivities?.length ?? 0, children: raw.pendingChildren?.length ?? 0 };
}

/** A paused load holds no worker, and no place in a worker's queue. */
const awaitIdle = (dataset: string, phase: PhaseName) =>
  until(async () => {
    const { activities, children } = await pendingOf(dataset, phase);
    return activities + children === 0;
  });

const samplesOf = (dataset: string) => collectionsOf(bench.store).samples.countDocuments({ dataset_id: dataset });
const vectorsOf = (dataset: string) => collectionsOf(bench.store).embeddings.countDocuments({ dataset_id: dataset });

describe.each<PhaseName>(['indexing', 'embedding'])('a load that is paused while %s', (phase) => {
  let dataset: string;
  let jobId: string;
  let paused: JobStatus;
  let doneWhilePaused: number;

  beforeAll(async () => {
    ({ dataset, jobId } = await underWay(phase));
    paused = await bench.pause(jobId);
    await awaitIdle(dataset, phase);
    doneWhilePaused = phase === 'indexing' ? await samplesOf(dataset) : await vectorsOf(dataset);
  });

  it('says so, since when, and what it has', async () => {
    expect(paused).toMatchObject({ state: 'paused', paused_at: expect.any(String) });
    const status = await bench.status(jobId);
    expect(status.phases[phase]).toMatchObject({
      state: 'waiting',
      waiting_for: { reason: 'paused', since: paused.paused_at },
    });
    expect(status.phases[phase].done).toBeGreaterThan(0);
    expect(status.phases[phase].done).toBeLessThan(status.phases[phase].total);
  });

  it('answers the same from the workflow itself', async () => {
    const status = await bench.temporal.workflow.getHandle(`load-${dataset}`).query<JobStatus>('status');
    expect(status).toMatchObject({ state: 'paused', phases: { [phase]: { state: 'waiting' } } });
  });

  it('is paused when it is paused again', async () => {
    expect(await bench.pause(jobId)).toMatchObject({ state: 'paused', paused_at: paused.paused_at });
  });

  it('goes on where it was, and completes', async () => {
    const seen: JobStatus[] = [];
    expect(await bench.resume(jobId)).toMatchObject({ state: 'running', paused_at: null });
    const status = await bench.wait(jobId, { onStatus: (s) => seen.push(s) });
    const total = phase === 'indexing' ? FILES : PICTURES;
    expect(status).toMatchObject({
      state: 'completed',
      phases: { [phase]: { state: 'completed', done: total, failed: 0, total } },
    });
    expect(await samplesOf(dataset)).toBe(total);
    if (phase === 'embedding') expect(await vectorsOf(dataset)).toBe(total);
    expect(doneWhilePaused).toBeLessThan(total);
    const progress = seen.map(({ phases }) => phases[phase].done);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(progress[0]).toBeGreaterThanOrEqual(paused.phases[phase].done);
  });

  it('takes no operation once it has ended', async () => {
    await expect(bench.pause(jobId)).rejects.toMatchObject({
      code: 'JobEnded',
      message: expect.stringMatching(/is already completed; there is nothing to pause\.$/),
    });
    await expect(bench.resume(jobId)).rejects.toMatchObject({ code: 'JobEnded' });
    await expect(bench.cancel(jobId)).rejects.toMatchObject({ code: 'JobEnded' });
  });
});

describe('operations on a load that runs', () => {
  let dataset: string;
  let jobId: string;
  const handle = () => bench.temporal.workflow.getHandle(`load-${dataset}`);

  // Nobody embeds, so it runs until it is canceled.
  beforeAll(async () => {
    dataset = bench.newDataset();
    const source = join(bench.folder, 'pictures');
    jobId = (await bench.startLoad({ dataset, source, embed_task_queue: 'nobody' })).job_id;
    for await (const { phases } of bench.watch(jobId)) if (phases.embedding.state === 'waiting') break;
  });

  it('refuse to resume it, as it is not paused', async () => {
    await expect(bench.resume(jobId)).rejects.toMatchObject({ code: 'NotPaused' });
  });

  it('are rejected by the workflow, too, before they enter its history', async () => {
    await expect(handle().executeUpdate('resume')).rejects.toThrow(WorkflowUpdateFailedError);
    const { events } = await handle().fetchHistory();
    expect(events?.filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes)).toEqual([]);
  });

  it.each(['x', { raeson: 'a slip' }, { reason: 7 }])(
    'do not cancel it for %j, which asks for something else',
    async (input) => {
      await expect(handle().executeUpdate('cancel', { args: [input] })).rejects.toMatchObject({
        cause: { type: 'InvalidInput' },
      });
    },
  );

  it('cancel it, for no reason that was refused', async () => {
    await bench.cancel(jobId);
    const status = await bench.wait(jobId);
    expect(status.state).toBe('canceled');
    expect(status.error?.message).not.toContain('slip');
  });
});

describe('operations', () => {
  it('pause a load that waits for a worker of the device, which then finds nothing to do', async () => {
    const dataset = bench.newDataset();
    const { job_id } = await bench.startLoad({
      dataset,
      source: join(bench.folder, 'pictures'),
      embed_task_queue: 'nobody',
    });
    for await (const { phases } of bench.watch(job_id)) if (phases.embedding.state === 'waiting') break;
    await bench.pause(job_id);
    await awaitIdle(dataset, 'embedding');
    await bench.resume(job_id);
    await expect.poll(async () => (await pendingOf(dataset, 'embedding')).activities).toBe(1);
    expect((await bench.status(job_id)).phases.embedding.waiting_for).toMatchObject({
      reason: 'worker',
      task_queue: 'nobody',
    });
    await bench.cancel(job_id);
    expect(await bench.wait(job_id)).toMatchObject({ state: 'canceled' });
  });

  it('end a paused load', async () => {
    const { jobId } = await underWay('embedding');
    await bench.pause(jobId);
    await bench.cancel(jobId, { reason: 'the wrong folder' });
    const status = await bench.wait(jobId);
    expect(status).toMatchObject({ state: 'canceled', paused_at: null, error: { code: 'Canceled' } });
    const all = PICTURES.toLocaleString('en-US');
    expect(status.error?.message).toContain(
      `Canceled: the wrong folder. ${all} of ${all} files are indexed and can be browsed, `,
    );
  });
});

describe.each<PhaseName>(['indexing', 'embedding'])('a load that is canceled while %s', (phase) => {
  it('ends, says how far it came, and leaves a dataset that can be browsed and loaded again', async () => {
    const { dataset, jobId } = await underWay(phase);
    await bench.cancel(jobId);
    const status = await bench.wait(jobId);
    expect(status).toMatchObject({ state: 'canceled', phases: { [phase]: { state: 'canceled' } } });
    const samples = await samplesOf(dataset);
    expect(status.error?.message).toContain(`${status.phases.indexing.done.toLocaleString('en-US')}`);
    expect(status.phases.indexing.done).toBe(samples);
    const stored = await collectionsOf(bench.store).datasets.findOne({ _id: dataset });
    expect(stored?.counts).toMatchObject({ total: samples, indexed: samples });
    expect((await bench.temporal.workflow.getHandle(`load-${dataset}`).describe()).status.name).toBe('CANCELLED');

    const source = join(bench.folder, phase === 'indexing' ? 'files' : 'pictures');
    const again = await bench.load({ dataset, source, embed: phase === 'embedding' });
    const total = phase === 'indexing' ? FILES : PICTURES;
    expect(again.state).toBe('completed');
    expect(again.phases.indexing).toMatchObject({ done: total, outcomes: { unchanged: samples } });
  });
});
