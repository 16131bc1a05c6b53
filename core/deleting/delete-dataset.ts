import type { ClientSession } from 'mongodb';
import type { RemovedCounts } from '../../contract/job.ts';
import { UserError } from '../errors.ts';
import { datasetExists, isBeingDeletedBy, removeDataset } from '../store/datasets.ts';
import { removeNextGroups } from '../store/duplicates.ts';
import { countVectorsOfDataset, removeNextVectors, vectorModels } from '../store/embeddings.ts';
import { removeIndexFiles } from '../store/index-files.ts';
import { removedBy } from '../store/job-effects.ts';
import { jobIdsOf } from '../store/jobs.ts';
import { removePages } from '../store/pages.ts';
import { removeProgress } from '../store/progress.ts';
import { countSamples, removeNextSamples } from '../store/samples.ts';
import type { Store } from '../store/store.ts';
import { BATCH, removeBatch } from './remove-batch.ts';

/** A request to delete a dataset. */
export interface DeleteRequest {
  jobId: string;
  datasetId: string;
  /** Called after each batch. */
  onStep: () => void;
  signal: AbortSignal;
}

/**
 * Deletes everything that belongs to a dataset, and its own document last. While that document exists, the deletion can
 * restart after a crash at any point. Returns what all attempts of the job have removed.
 *
 * @throws UserError Superseded when the dataset is no longer marked for deletion by this job.
 */
export async function deleteDataset(store: Store, request: DeleteRequest): Promise<RemovedCounts> {
  const { jobId, datasetId } = request;
  if (!(await datasetExists(store, datasetId))) return removedBy(store, jobId);

  // The counts go first: an indexing activity that outlived its job needs them to write anything (see index-page.ts).
  await deleteWorkingDocuments(store, request);
  // A build that ends later finds that the dataset is being deleted, and removes its own files.
  await removeIndexFiles(store, { datasetId });
  await deleteVectors(store, request);
  await inBatches(store, request, async (session) => {
    const samples = await removeNextSamples(store, datasetId, BATCH, session);
    return samples === undefined ? undefined : { samples, vectors: 0 };
  });
  await inBatches(store, request, async (session) => {
    const groups = await removeNextGroups(store, datasetId, BATCH, session);
    return groups === undefined ? undefined : { samples: 0, vectors: 0 };
  });
  // A second pass: an embedding may have written late. It removes its own later writes.
  await deleteVectors(store, request);
  // A second pass: a listing that outlived its job may have written a page.
  await deleteWorkingDocuments(store, request);
  // A second pass: the worker of a build may have been killed before it could remove its files.
  await removeIndexFiles(store, { datasetId });
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

/** Removes batches until none is left. */
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

/** Removes one batch. Returns whether it held anything. */
async function removeOwnBatch(
  store: Store,
  { jobId, datasetId }: DeleteRequest,
  remove: (session: ClientSession) => Promise<RemovedCounts | undefined>,
): Promise<boolean> {
  let removed: RemovedCounts | undefined;
  await removeBatch(store, jobId, async (session) => {
    // A new dataset may have the name by now: this attempt may have been presumed dead, and another one may have
    // finished.
    if (!(await isBeingDeletedBy(store, datasetId, jobId, session)))
      throw new UserError('Superseded', `Dataset ${datasetId} is no longer job ${jobId}'s to delete.`);
    removed = await remove(session);
    return removed ?? { samples: 0, vectors: 0 };
  });
  return removed !== undefined;
}

/** Removes the working documents of terminated jobs of the dataset. The jobs' records stay as its history. */
async function deleteWorkingDocuments(store: Store, { datasetId, onStep, signal }: DeleteRequest): Promise<void> {
  for await (const jobId of jobIdsOf(store, datasetId)) {
    signal.throwIfAborted();
    await Promise.all([removePages(store, [jobId]), removeProgress(store, [jobId])]);
    onStep();
  }
}

/** Counts what a deletion would remove now. */
export async function countDataset(store: Store, datasetId: string): Promise<RemovedCounts> {
  const [samples, vectors] = await Promise.all([
    countSamples(store, datasetId),
    countVectorsOfDataset(store, datasetId),
  ]);
  return { samples, vectors };
}
