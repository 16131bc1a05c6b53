import { Writable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createPlainView } from '../../cli/progress/plain-view.ts';
import type { JobStatus, RetryingStatus } from '../../contract/job.ts';
import { memorySource } from '../../core/sources/memory/memory-source.ts';
import { createEmbedder } from '../../inference/embedder.ts';
import { settingsFromEnvironment } from '../../inference/settings.ts';
import { drawPicture } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

/** Runs before the work, while it is set. */
const trouble: { listing?: () => Promise<void>; inference?: () => Promise<void> } = {};

class DiskError extends Error {}

const failing = (error: Error) => async () => {
  throw error;
};

const memory = memorySource();
const inference = createEmbedder(settingsFromEnvironment({ ...process.env }));
let bench: Workbench;

beforeAll(async () => {
  const sources = [
    {
      ...memory,
      async *list(...request: Parameters<typeof memory.list>) {
        await trouble.listing?.();
        yield* memory.list(...request);
      },
    },
  ];
  const embedder = {
    ...inference,
    async embed(...request: Parameters<typeof inference.embed>) {
      await trouble.inference?.();
      return inference.embed(...request);
    },
  };
  bench = await openWorkbench({ plugin: { sources, embedder } });
});

afterEach(() => {
  delete trouble.listing;
  delete trouble.inference;
});

afterAll(async () => {
  await bench?.stop();
  await inference.close();
});

/** Holds the listings that begin from now on until they are released. */
function holdListing() {
  const begun = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  trouble.listing = () => {
    begun.resolve();
    return released.promise;
  };
  return { begun: begun.promise, release: released.resolve };
}

/** Starts a load of one picture. It names its medium, so that the listing is the first to ask the source. */
async function startLoad(options: { embed_task_queue?: string; embed?: boolean } = {}) {
  const dataset = bench.newDataset();
  const source = `memory:/${dataset}`;
  memory.put(`${source}/one.png`, await drawPicture(1, 'png'));
  const { job_id, workflow_id } = await bench.startLoad({ dataset, source, media: 'image', ...options });
  return { dataset, jobId: job_id, workflowId: workflow_id };
}

const retryingByQuery = async (workflowId: string) =>
  (await bench.temporal.workflow.getHandle(workflowId).query<JobStatus>('status')).retrying;
const retryingByRecord = async (jobId: string) => (await bench.status(jobId)).retrying;

/** Waits for a report that satisfies the check. */
async function awaitReport(read: () => Promise<RetryingStatus | null>, attempt: number): Promise<RetryingStatus> {
  await expect.poll(async () => (await read())?.attempt ?? 0).toBeGreaterThanOrEqual(attempt);
  return (await read()) as RetryingStatus;
}

function plainly(status: JobStatus): string {
  let text = '';
  const view = createPlainView(
    new Writable({
      write(chunk, _encoding, done) {
        text += String(chunk);
        done();
      },
    }),
  );
  view.show(status);
  view.end();
  return text;
}

describe('an activity that fails for a while', () => {
  it('is named by query, record and lines, with its attempt, since when and why, until it goes well', async () => {
    const before = new Date().toISOString();
    trouble.listing = failing(new DiskError('the disk does not answer'));
    const { jobId, workflowId } = await startLoad({ embed_task_queue: 'nobody' });

    const first = await awaitReport(() => retryingByRecord(jobId), 2);
    const later = await awaitReport(() => retryingByRecord(jobId), 4);
    const answered = await awaitReport(() => retryingByQuery(workflowId), 4);

    const error = { code: 'DiskError', message: 'the disk does not answer' };
    expect(later).toMatchObject({ activity: 'listSource', error });
    expect(later.since <= first.since).toBe(true);
    expect(later.since > before).toBe(true);
    expect(answered).toMatchObject({ activity: 'listSource', error });
    expect(plainly(await bench.status(jobId))).toMatch(
      /^listSource is being retried \(attempt \d+, since .* UTC\): DiskError: the disk does not answer$/m,
    );
    const details = bench.temporal.workflow.getHandle(workflowId).query<{ currentDetails: string }>(METADATA);
    expect((await details).currentDetails).toMatch(/listSource is being retried \(attempt \d+, since/);

    delete trouble.listing;
    await bench.wait(jobId, { for: 'browsable' });
    expect(await retryingByRecord(jobId)).toBeNull();
    expect(await retryingByQuery(workflowId)).toBeNull();
    await bench.cancel(jobId);
    await bench.wait(jobId);
  });

  it('is named by the load and by its embedding, if it embeds', async () => {
    trouble.inference = failing(new Error('the device is lost'));
    const { dataset, jobId, workflowId } = await startLoad();

    const embedding = `embed-${dataset}:built-in`;
    for (const read of [
      () => retryingByRecord(jobId),
      () => retryingByQuery(workflowId),
      () => retryingByQuery(embedding),
    ]) {
      expect(await awaitReport(read, 2)).toMatchObject({
        activity: 'embedChunk',
        error: { code: 'Error', message: 'the device is lost' },
      });
    }
    delete trouble.inference;
    expect(await bench.wait(jobId)).toMatchObject({ state: 'completed', retrying: null });
    expect(await retryingByQuery(workflowId)).toBeNull();
  });

  it('is not shown while its job is paused, nor after the resume', async () => {
    trouble.listing = failing(new Error('the disk does not answer'));
    const { jobId, workflowId } = await startLoad({ embed: false });
    await awaitReport(() => retryingByRecord(jobId), 3);
    await bench.pause(jobId);
    expect(await retryingByRecord(jobId)).toBeNull();
    expect(await retryingByQuery(workflowId)).toBeNull();

    const listing = holdListing();
    await bench.resume(jobId);
    await listing.begun;
    expect(await retryingByRecord(jobId)).toBeNull();
    expect(await retryingByQuery(workflowId)).toBeNull();
    listing.release();
    await bench.wait(jobId);
  });
});

const METADATA = '__temporal_workflow_metadata';

it('a report that nobody takes back is shown no longer than its phase runs', async () => {
  const listing = holdListing();
  const { jobId, workflowId } = await startLoad({ embed_task_queue: 'nobody' });
  await listing.begun;
  const handle = bench.temporal.workflow.getHandle(workflowId);
  const report = { activity: 'indexPage', attempt: 2, error: { code: 'Error', message: 'no disk' } };
  for (const [attempt, since] of [
    [2, '2026-01-01T00:00:00.000Z'],
    [3, '2026-01-01T00:00:01.000Z'],
  ]) {
    await handle.signal('retrying', { key: 'a', retrying: { ...report, attempt, since } });
  }
  expect(await retryingByQuery(workflowId)).toEqual({ ...report, attempt: 3, since: '2026-01-01T00:00:00.000Z' });
  listing.release();
  await bench.wait(jobId, { for: 'browsable' });
  await expect.poll(() => retryingByQuery(workflowId)).toBeNull();
  await bench.cancel(jobId);
  await bench.wait(jobId);
});

it('a report that nobody understands changes nothing', async () => {
  const { jobId, workflowId } = await startLoad({ embed_task_queue: 'nobody' });
  await bench.wait(jobId, { for: 'browsable' });
  const handle = bench.temporal.workflow.getHandle(workflowId);
  await handle.signal('retrying');
  for (const report of ['x', null, { key: 'a' }, { key: 'a', retrying: { activity: 'indexPage', attempt: 'many' } }]) {
    await handle.signal('retrying', report);
  }
  expect(await retryingByQuery(workflowId)).toBeNull();
  await bench.cancel(jobId);
  expect(await bench.wait(jobId)).toMatchObject({ state: 'canceled' });
});
