import type { ClientSession } from 'mongodb';
import type { RemovedCounts } from '../../contract/job.ts';
import { UserError } from '../errors.ts';
import { datasetExists, isBeingDeletedBy, removeDataset } from '../store/datasets.ts';
import { countVectorsOfDataset, removeNextVectors, vectorModels } from '../store/embeddings.ts';
import { jobIdsOf, removedBy } from '../store/jobs.ts';
import { removePages } from '../store/pages.ts';
import { removeProgress } from '../store/progress.ts';
import { countSamples, removeNextSamples } from '../store/samples.ts';
import type { Store } from '../store/store.ts';
import { BATCH, removeBatch } from './remove-batch.ts';

export interface DeleteRequest {
  jobId: string;
  datasetId: string;
  /** Called after each batch. */
  onStep: () => void;
  signal: AbortSignal;
}

/**
 * Deletes all that a dataset consists of, the dataset's own document last: as long as that is there, the deletion can be begun
 * again after a crash at any point. Returns what the job has removed, all attempts together.
 *
 * @throws UserError Superseded when the dataset is no longer this job's to delete.
 */
export async function deleteDataset(store: Store, request: DeleteRequest): Promise<RemovedCounts> {
  const { jobId, datasetId } = request;
  if (!(await datasetExists(store, datasetId))) return removedBy(store, jobId);

  // Search indexes, once there are any, are dropped here: before the vectors that they hold.
  // First the counts that an indexing activity needs to write anything, if it outlived its job: see index-page.ts.
  await deleteWorkingDocuments(store, request);
  await deleteVectors(store, request);
  await inBatches(store, request, async (session) => {
    const samples = await removeNextSamples(store, datasetId, BATCH, session);
    return samples === undefined ? undefined : { samples, vectors: 0 };
  });
  // Again: an embedding may not have ended in time. What it writes from now on it takes back by itself.
  await deleteVectors(store, request);
  // Again: a listing that outlived its job may have written a page.
  await deleteWorkingDocuments(store, request);
  await removeDataset(store, datasetId, jobId);
  return removedBy(store, jobId);
}

async function deleteVectors(store: Store, request: DeleteRequest): Promise<void> {
  const { datasetId } = request;
  for (const modelKey of await vectorModels(store, datasetId)) {
    await inBatches(store, request, async (session) => {
      const vectors = await removeNextVectors(store, { datasetId, modelKey }, BATCH, session);
      return vectors === undefined ? undefined : { samples: 0, vectors };
    });
  }
}

/** Removes batches until there is none. */
async function inBatches(
  store: Store,
  request: DeleteRequest,
  remove: (session: ClientSession) => Promise<RemovedCounts | undefined>,
): Promise<void> {
  for (;;) {
    request.signal.throwIfAborted();
    if (!(await removeOwnBatch(store, request, remove))) return;
    request.onStep();
  }
}

/** Returns whether the batch held anything. */
async function removeOwnBatch(
  store: Store,
  { jobId, datasetId }: DeleteRequest,
  remove: (session: ClientSession) => Promise<RemovedCounts | undefined>,
): Promise<boolean> {
  let removed: RemovedCounts | undefined;
  await removeBatch(store, jobId, async (session) => {
    // A new dataset may have the name by now, if this attempt was thought dead and another has ended the deletion.
    if (!(await isBeingDeletedBy(store, datasetId, jobId, session)))
      throw new UserError('Superseded', `Dataset ${datasetId} is no longer job ${jobId}'s to delete.`);
    removed = await remove(session);
    return removed ?? { samples: 0, vectors: 0 };
  });
  return removed !== undefined;
}

/** Removes what terminated loads of the dataset have left behind. Their records stay: they are its history. */
async function deleteWorkingDocuments(store: Store, { datasetId, onStep, signal }: DeleteRequest): Promise<void> {
  for await (const jobId of jobIdsOf(store, datasetId)) {
    signal.throwIfAborted();
    await Promise.all([removePages(store, [jobId]), removeProgress(store, [jobId])]);
    onStep();
  }
}

/** What a deletion would remove now. */
export async function countDataset(store: Store, datasetId: string): Promise<RemovedCounts> {
  const [samples, vectors] = await Promise.all([
    countSamples(store, datasetId),
    countVectorsOfDataset(store, datasetId),
  ]);
  return { samples, vectors };
}
