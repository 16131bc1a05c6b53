import { join } from 'node:path';
import { ObjectId } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPlimsollClient, type PlimsollClient } from '../../client/plimsoll-client.ts';
import type { JobStatus } from '../../contract/job.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { insertRecord } from './records.ts';

const SILENCE_MS = 3000;

let bench: Workbench;
/** Considers workers gone sooner than is right for real ones. */
let client: PlimsollClient;
let source: string;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [], env: { PLIMSOLL_BATCH_SIZE: '8' } });
  const { temporal, store, taskQueue } = bench;
  client = createPlimsollClient({ temporal, store, taskQueue, workerSilenceMs: SILENCE_MS });
  source = join(bench.folder, 'pictures');
  await makePictures(source, 40);
});
afterAll(() => bench?.stop());

async function seen(jobId: string, fits: (status: JobStatus) => boolean): Promise<JobStatus> {
  for await (const status of client.watch(jobId, AbortSignal.timeout(PATIENCE_MS))) if (fits(status)) return status;
  throw new Error('The job ended before that could be seen.');
}

describe('a job that no indexing worker takes up', () => {
  it('says so, and since when', async () => {
    const { job_id } = await bench.startLoad({ dataset: bench.newDataset(), source, embed: false });
    const status = await seen(job_id, ({ phases }) => phases.indexing.waiting_for !== null);
    expect(status.phases.indexing).toMatchObject({
      state: 'waiting',
      waiting_for: { reason: 'worker', task_queue: bench.taskQueue, since: status.started_at },
    });
    const stop = await bench.startWorker('indexing');
    expect((await bench.wait(job_id)).phases.indexing).toMatchObject({ state: 'completed', waiting_for: null });
    await stop();
  });
});

describe('a job whose embedding worker goes away', () => {
  it('says so while it is watched, asked for and listed, unless that worker embeds for another job; and goes on with the next', async () => {
    await bench.limits.set(0.01, bench.embedTaskQueue);
    const [, stopEmbedding] = await Promise.all([bench.startWorker('indexing'), bench.startWorker('embedding')]);
    const { job_id, dataset } = await bench.startLoad({ dataset: bench.newDataset(), source });
    const before = await seen(job_id, ({ phases }) => phases.embedding.done > 0);
    expect(before.phases.embedding.waiting_for?.reason).not.toBe('worker');
    await stopEmbedding();

    const noWorker = { state: 'waiting', waiting_for: { reason: 'worker', task_queue: bench.embedTaskQueue } };
    const watched = await seen(job_id, ({ phases }) => phases.embedding.waiting_for?.reason === 'worker');
    expect(watched.phases.embedding).toMatchObject(noWorker);
    const since = Date.parse(watched.phases.embedding.waiting_for?.since ?? '');
    expect(since).toBeGreaterThanOrEqual(Date.parse(watched.phases.embedding.started_at ?? ''));
    expect(since).toBeLessThanOrEqual(Date.now() - SILENCE_MS);
    expect((await client.status(job_id)).phases.embedding).toMatchObject(noWorker);
    expect((await client.jobs({ dataset })).jobs[0]?.phases.embedding).toMatchObject(noWorker);

    // A pause and a resume are not signs of a worker.
    await client.pause(job_id);
    await client.resume(job_id);
    const after = (await client.status(job_id)).phases.embedding;
    expect(after).toMatchObject({ ...noWorker, rate: null, seconds_left: null });
    expect(Date.parse(after.waiting_for?.since ?? '')).toBeGreaterThan(since);

    // All its workers are busy with another job. Busy workers need not poll.
    const { embedding, indexing } = (await collectionsOf(bench.store).jobs.findOne({ _id: job_id }))?.phases ?? {};
    if (embedding === undefined || indexing === undefined) throw new Error('The job has no record.');
    const other = await insertRecord(bench.store, {
      dataset_id: bench.newDataset(),
      state: 'running',
      phases: { indexing, embedding },
    });
    await collectionsOf(bench.store).progress.insertOne({
      _id: `${other}/embedding/0`,
      job_id: other,
      opened: new ObjectId(),
      phase: 'embedding',
      done: 1,
      failed: 0,
      total: 2,
      at: new Date(Date.now() + 60_000),
    });
    expect((await client.status(job_id)).phases.embedding).toMatchObject({ state: 'running', waiting_for: null });
    await collectionsOf(bench.store).jobs.deleteOne({ _id: other });

    await bench.limits.set(null, bench.embedTaskQueue);
    await bench.startWorker('embedding');
    expect((await client.wait(job_id)).state).toBe('completed');
  });
});
