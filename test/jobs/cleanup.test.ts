import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { ObjectId } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectionsOf } from '../../core/store/collections.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { insertRecord } from './records.ts';

const DAY_MS = 86_400_000;
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS);

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
});
afterAll(() => bench?.stop());

const recorded = async (dataset: string) =>
  (await collectionsOf(bench.store).jobs.find({ dataset_id: dataset }).toArray()).map(({ _id }) => _id);

/** The working documents that a job may leave behind. */
async function leaveWork(jobId: string): Promise<void> {
  await collectionsOf(bench.store).progress.insertOne({
    _id: `${jobId}/indexing/0`,
    job_id: jobId,
    opened: new ObjectId(),
    phase: 'indexing',
    done: 1,
    failed: 0,
    total: 1,
  });
  await collectionsOf(bench.store).pages.insertOne({
    _id: `${jobId}/0`,
    job_id: jobId,
    n: 0,
    upto: '',
    last: true,
    files: [],
    gone: [],
  });
}

const worksOf = async (jobId: string) =>
  (await collectionsOf(bench.store).progress.countDocuments({ job_id: jobId })) +
  (await collectionsOf(bench.store).pages.countDocuments({ job_id: jobId }));

describe('a cleanup', () => {
  it('removes what ended before its time, with what belongs to it, and says what that was', async () => {
    const dataset = bench.newDataset();
    const old = await insertRecord(bench.store, { dataset_id: dataset, started_at: daysAgo(40), state: 'failed' });
    const longRunning = await insertRecord(bench.store, {
      dataset_id: dataset,
      started_at: daysAgo(40),
      finished_at: daysAgo(20),
    });
    const running = await insertRecord(bench.store, { dataset_id: bench.newDataset(), state: 'running' });
    await Promise.all([leaveWork(old), leaveWork(longRunning), leaveWork(running)]);

    const result = await bench.cleanup({ before: daysAgo(30), dataset });

    expect(result.jobs).toEqual([
      { job_id: old, dataset, kind: 'load', state: 'failed', finished_at: expect.any(String) },
    ]);
    expect(await recorded(dataset)).toEqual([longRunning]);
    expect(await worksOf(old)).toBe(0);
    // These documents were written after the job's end, so nothing needs them.
    expect(await worksOf(longRunning)).toBe(0);
    expect(await worksOf(running)).toBe(2);
  });

  it('can be looked at before', async () => {
    const dataset = bench.newDataset();
    const old = await insertRecord(bench.store, { dataset_id: dataset, started_at: daysAgo(40) });
    const { jobs } = await bench.findCleanup({ before: daysAgo(30), dataset });
    expect(jobs.map(({ job_id }) => job_id)).toEqual([old]);
    expect(await recorded(dataset)).toEqual([old]);
  });

  it('keeps to a dataset and to states', async () => {
    const [dataset, other] = [bench.newDataset(), bench.newDataset()];
    const started_at = daysAgo(40);
    const failed = await insertRecord(bench.store, { dataset_id: dataset, started_at, state: 'failed' });
    const completed = await insertRecord(bench.store, { dataset_id: dataset, started_at });
    const elsewhere = await insertRecord(bench.store, { dataset_id: other, started_at, state: 'failed' });
    const { jobs } = await bench.cleanup({ before: daysAgo(30), dataset, state: ['failed', 'canceled'] });
    expect(jobs.map(({ job_id }) => job_id)).toEqual([failed]);
    expect(await recorded(dataset)).toEqual([completed]);
    expect(await recorded(other)).toEqual([elsewhere]);
  });

  it('never removes a job that runs, and settles one that was terminated first', async () => {
    const source = join(bench.folder, 'pictures');
    await makePictures(source, 3);
    const [running, terminated] = await Promise.all(
      [1, 2].map(() => bench.startLoad({ dataset: bench.newDataset(), source })),
    );
    if (running === undefined || terminated === undefined) throw new Error('Two loads were to start.');
    for (const { job_id } of [running, terminated]) await bench.wait(job_id, { for: 'browsable' });
    await bench.temporal.workflow.getHandle(terminated.workflow_id).terminate();

    const { jobs } = await bench.cleanup({ before: new Date(Date.now() + DAY_MS) });

    const removed = jobs.map(({ job_id }) => job_id);
    expect(removed).toContain(terminated.job_id);
    expect(removed).not.toContain(running.job_id);
    expect((await bench.status(running.job_id)).finished_at).toBeNull();
  });

  it('goes by when a terminated job was terminated, not by when that was noticed', async () => {
    const { job_id, workflow_id } = await bench.startLoad({ dataset: bench.newDataset(), source: bench.folder });
    const handle = bench.temporal.workflow.getHandle(workflow_id);
    await handle.terminate().catch(() => undefined);
    const { closeTime } = await handle.describe();
    const { finished_at } = await bench.status(job_id);
    expect(Date.parse(finished_at ?? '')).toBeLessThanOrEqual((closeTime?.getTime() ?? 0) + 1);
  });

  it('leaves what Temporal does not know alone, unless it is told otherwise', async () => {
    const dataset = bench.newDataset();
    const lost = await insertRecord(bench.store, { dataset_id: dataset, started_at: daysAgo(40), state: 'running' });
    const filter = { before: daysAgo(30), dataset };
    expect(await bench.cleanup(filter)).toMatchObject({ jobs: [], lost: [lost] });
    expect(await recorded(dataset)).toEqual([lost]);
    await bench.cleanup({ ...filter, lost: true });
    expect(await recorded(dataset)).toEqual([]);
  });

  it('removes what jobs left whose records are gone', async () => {
    const gone = randomUUID();
    await leaveWork(gone);
    await bench.cleanup({ before: daysAgo(10_000) });
    expect(await worksOf(gone)).toBe(0);
  });
});

describe("a dataset whose latest job's record is gone", () => {
  it("has that job's result for a status while Temporal knows it, is browsed and loaded as before", async () => {
    const source = join(bench.folder, 'kept');
    await makePictures(source, 3);
    const dataset = bench.newDataset();
    const before = await bench.load({ dataset, source, embed: false });
    await bench.cleanup({ before: new Date(Date.now() + DAY_MS), dataset });
    expect(await recorded(dataset)).toEqual([]);

    const { rate: _, ...indexing } = before.phases.indexing;
    expect(await bench.status(dataset)).toMatchObject({ job_id: before.job_id, state: 'completed' });
    expect((await bench.status(dataset)).phases.indexing).toMatchObject({ done: indexing.done, total: indexing.total });
    const again = await bench.load({ dataset, source, embed: false });
    expect(again.phases.indexing.outcomes).toMatchObject({ added: 0, unchanged: 3 });
  });

  it('is said to have none on record when Temporal does not know it either', async () => {
    const dataset = bench.newDataset();
    await collectionsOf(bench.store).datasets.insertOne({
      _id: dataset,
      media_type: 'image',
      sources: [],
      next_seq: 0,
      counts: { total: 0, indexed: 0, failed: 0, missing: 0 },
      phases: {},
      models: [],
      latest_job: randomUUID(),
      created_at: new Date(),
      last_modified_at: new Date(),
    });
    await expect(bench.status(dataset)).rejects.toMatchObject({
      code: 'JobNotFound',
      message: expect.stringContaining('cleaned up'),
    });
  });
});
