import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobStatus } from '../../contract/job.ts';
import { endJob, endPhase, notePaused, notePhaseWaits, noteResumed } from '../../core/jobs/phases.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { clearRetrying, noteRetrying } from '../../core/store/retried-activities.ts';
import { makePictures } from '../support/pictures.ts';
import { createStandIn } from '../support/stand-in-embedder.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const PICTURES = 600;
/** Several seconds of work, which costs nothing. */
const PER_SECOND = 150;

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench({ plugin: { embedder: createStandIn({ perSecond: PER_SECOND }) } });
  await makePictures(join(bench.folder, 'pictures'), PICTURES);
});

afterAll(() => bench?.stop());

const handleOf = (workflowId: string) => bench.temporal.workflow.getHandle(workflowId);

describe('an embedding that is a phase of a load', () => {
  it('is followed by its own query, chunk by chunk, and at its end by that of the load', async () => {
    const dataset = bench.newDataset();
    const { job_id, workflow_id } = await bench.startLoad({ dataset, source: join(bench.folder, 'pictures') });
    const answers = new Set<number>();
    const doneOf = async (id: string) => (await handleOf(id).query<JobStatus>('status')).phases.embedding.done;
    for await (const { finished_at, phases } of bench.watch(job_id)) {
      if (phases.embedding.done > 0) answers.add(await doneOf(`embed-${dataset}:built-in`));
      if (finished_at !== null) break;
    }
    expect(await doneOf(workflow_id)).toBe(PICTURES);
    expect([...answers].filter((done) => done > 0 && done < PICTURES).length).toBeGreaterThan(1);
  });

  it('that is canceled by itself fails the load: nobody asked for its end', async () => {
    const dataset = bench.newDataset();
    const { job_id, workflow_id } = await bench.startLoad({
      dataset,
      source: join(bench.folder, 'pictures'),
      embed_task_queue: 'nobody',
    });
    for await (const { phases } of bench.watch(job_id)) if (phases.embedding.state === 'waiting') break;
    await handleOf(`embed-${dataset}:built-in`).cancel();
    const status = await bench.wait(job_id);
    expect(status).toMatchObject({ state: 'failed', error: { code: 'WorkCanceled' } });
    expect(status.error?.message).toContain(`embed-${dataset}:built-in`);
    expect((await handleOf(workflow_id).describe()).status.name).toBe('FAILED');
  });
});

describe('an embedding that somebody starts', () => {
  it('as the phase of a load that it is not is refused', async () => {
    const dataset = bench.newDataset();
    const handle = await bench.temporal.workflow.start('embedDataset', {
      taskQueue: bench.taskQueue,
      workflowId: `embed-${dataset}:built-in`,
      args: [{ dataset }, { job_id: randomUUID(), only_failed: false }],
    });
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'InvalidInput' } });
  });
});

const paused = new Date('2026-01-01T00:00:00.000Z');
const resumed = new Date('2026-01-01T00:00:01.000Z');
const pausedAgain = new Date('2026-01-01T00:00:02.000Z');

async function runningLoad(): Promise<string> {
  const id = randomUUID();
  const phase = { state: 'running' as const, done: 0, failed: 0, total: 1, total_known: true };
  await collectionsOf(bench.store).jobs.insertOne({
    _id: id,
    kind: 'load',
    dataset_id: bench.newDataset(),
    workflow_id: `load-${id}`,
    request: {},
    state: 'running',
    phases: { indexing: phase, embedding: { ...phase, state: 'pending' } },
    started_at: paused,
  });
  return id;
}

describe('the record of what is retried', () => {
  const retried = (jobId: string, key = 'a') => ({ jobId, key, timeoutMS: 10_000 });
  const retrying = { activity: 'indexPage', attempt: 2, since: resumed, error: { code: 'Error', message: 'no disk' } };
  const recorded = async (id: string) => (await collectionsOf(bench.store).jobs.findOne({ _id: id }))?.retrying;

  it('keeps when each activity first failed, and loses the one that is over', async () => {
    const id = await runningLoad();
    expect(await noteRetrying(bench.store, retried(id), retrying)).toEqual(resumed);
    expect(await noteRetrying(bench.store, retried(id), { ...retrying, attempt: 3, since: pausedAgain })).toEqual(
      resumed,
    );
    await noteRetrying(bench.store, retried(id, 'b'), { ...retrying, since: pausedAgain });
    expect(await recorded(id)).toEqual({ a: { ...retrying, attempt: 3 }, b: { ...retrying, since: pausedAgain } });
    await clearRetrying(bench.store, retried(id));
    expect(Object.keys((await recorded(id)) ?? {})).toEqual(['b']);
  });

  it.each<[string, (id: string) => Promise<void>]>([
    ['its phase waits', (id) => notePhaseWaits(bench.store, id, 'indexing', { reason: 'worker' })],
    ['its phase ends', (id) => endPhase(bench.store, id, 'indexing', 'completed')],
    ['its job is resumed', (id) => noteResumed(bench.store, id, pausedAgain)],
    ['its job ends', (id) => endJob(bench.store, id, 'completed')],
  ])('is empty once %s', async (_, happen) => {
    const id = await runningLoad();
    await notePaused(bench.store, id, paused);
    await noteRetrying(bench.store, retried(id), retrying);
    await happen(id);
    expect(await recorded(id)).toBeUndefined();
  });

  it('takes no report of a job that has ended', async () => {
    const id = await runningLoad();
    await endJob(bench.store, id, 'completed');
    expect(await noteRetrying(bench.store, retried(id), retrying)).toBeUndefined();
    expect(await recorded(id)).toBeUndefined();
  });
});

describe('what an activity notes too late', () => {
  it('does not pause a load that goes on', async () => {
    const id = await runningLoad();
    await notePaused(bench.store, id, paused);
    await noteResumed(bench.store, id, resumed);
    await notePaused(bench.store, id, paused);
    expect(await collectionsOf(bench.store).jobs.findOne({ _id: id })).toMatchObject({ state: 'running' });
  });

  it('does not resume a load that has been paused again', async () => {
    const id = await runningLoad();
    await notePaused(bench.store, id, paused);
    await noteResumed(bench.store, id, resumed);
    await notePaused(bench.store, id, pausedAgain);
    await noteResumed(bench.store, id, resumed);
    expect(await collectionsOf(bench.store).jobs.findOne({ _id: id })).toMatchObject({
      state: 'paused',
      paused_at: pausedAgain,
    });
  });
});
