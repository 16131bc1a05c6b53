import { Timestamp } from 'mongodb';
import type { PlimsollClient } from '../client/plimsoll-client.ts';
import type { LoadDatasetRequest } from '../contract/inputs.ts';
import { collectionsOf } from '../core/store/collections.ts';
import type { JobDocument } from '../core/store/documents.ts';
import { searchSamples } from '../core/store/search-samples.ts';
import type { Store } from '../core/store/store.ts';
import type { Job } from '../temporal/jobs.ts';

/** Seconds from the call that started the load. */
export interface TimedLoad {
  job: Job;
  /** Time of that call, of `performance.now()`. */
  startedMs: number;
  /** Until the record says that phase 1 is completed. */
  indexedSeconds: number;
  /** Until the record says that the load is completed. */
  completedSeconds: number;
  record: JobDocument;
}

/**
 * Starts a load and times its phases. MongoDB pushes the changes of its record, so nothing is polled.
 *
 * @throws Error if the load fails or does not find `count` samples
 */
export async function timeLoad(client: PlimsollClient, request: LoadDatasetRequest, count: number): Promise<TimedLoad> {
  const { jobs } = collectionsOf(client.store);
  const indexed = Promise.withResolvers<number>();
  const completed = Promise.withResolvers<[number, JobDocument]>();
  const changes = jobs.watch([], { fullDocument: 'updateLookup', startAtOperationTime: await after(client.store) });
  changes.on('change', (change) => {
    const record = 'fullDocument' in change ? change.fullDocument : undefined;
    if (record?.dataset_id !== request.dataset) return;
    const now = performance.now();
    if (record?.phases.indexing.state === 'completed') indexed.resolve(now);
    if (record?.finished_at !== undefined) completed.resolve([now, record]);
  });
  changes.on('error', completed.reject);
  try {
    const startedMs = performance.now();
    const job = await client.startLoad(request);
    const [completedMs, record] = await completed.promise;
    if (record.state !== 'completed') throw new Error(`the load ${record.state}: ${record.error?.message}`);
    const { done, failed } = record.phases.indexing;
    if (done !== count || failed !== 0) throw new Error(`${done} samples and ${failed} failures, not ${count} samples`);
    const indexedMs = await indexed.promise;
    // The record ends just before its workflow does. The next load can start only after the workflow has ended.
    await client.temporal.workflow.getHandle(job.workflow_id).result();
    return {
      job,
      startedMs,
      indexedSeconds: (indexedMs - startedMs) / 1000,
      completedSeconds: (completedMs - startedMs) / 1000,
      record,
    };
  } finally {
    await changes.close();
  }
}

/** Seconds from the call that starts a load until a reader gets its first samples. Resolves when the load is over. */
export async function timeFirstSample(
  client: PlimsollClient,
  request: LoadDatasetRequest,
  count: number,
): Promise<{ seconds: number; job: Job }> {
  const { store } = client;
  const inserts = collectionsOf(store).samples.watch(
    [{ $match: { operationType: 'insert' } }, { $project: { _id: 1 } }],
    {
      startAtOperationTime: await after(store),
    },
  );
  const first = Promise.withResolvers<number>();
  inserts.once('change', () => {
    searchSamples(store, { datasetId: request.dataset, filter: {}, limit: 50, nextSeq: count })
      .then(({ samples }) => {
        if (samples.length === 0) throw new Error('a sample was stored, and none can be read');
        first.resolve(performance.now());
      })
      .catch(first.reject)
      // Later changes are of no interest, and reading a million of them would slow down the load.
      .finally(() => void inserts.close());
  });
  inserts.on('error', first.reject);
  try {
    const [firstMs, { job, startedMs }] = await Promise.all([first.promise, timeLoad(client, request, count)]);
    return { seconds: (firstMs - startedMs) / 1000, job };
  } finally {
    await inserts.close();
  }
}

/** The cluster time from which a stream shows changes, so that it may open after the watched work begins. */
async function after(store: Store): Promise<Timestamp> {
  const { operationTime } = (await collectionsOf(store).jobs.db.command({ ping: 1 })) as { operationTime: Timestamp };
  return new Timestamp({ t: operationTime.getHighBits() >>> 0, i: (operationTime.getLowBits() >>> 0) + 1 });
}
