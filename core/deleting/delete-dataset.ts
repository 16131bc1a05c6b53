import type { ClientSession } from 'mongodb';
import type { RemovedCounts } from '../../contract/job.ts';
import { UserError } from '../errors.ts';
import { datasetNotThere } from '../store/dataset-errors.ts';
import type { Store } from '../store/store.ts';
import { BATCH, removeBatch, removedBy } from './remove-batch.ts';
import { modelKeys } from './vectors.ts';

export interface DeleteRequest {
  jobId: string;
  datasetId: string;
  /** Called after each batch. */
  onStep: () => void;
  signal: AbortSignal;
}

/**
 * Marks a dataset as being deleted, so that no job begins on it any more. A deletion that was broken off is taken over.
 *
 * @throws UserError DatasetNotFound
 */
export async function markDeleting(store: Store, datasetId: string, jobId: string): Promise<void> {
  const now = new Date();
  const { matchedCount } = await store.datasets.updateOne(
    { _id: datasetId },
    { $set: { deleting: { job_id: jobId, at: now }, latest_job: jobId, last_modified_at: now } },
  );
  if (matchedCount === 0) throw datasetNotThere(datasetId);
}

/** An embedding that is a job of its own and not over: what a deletion has to cancel. */
export interface EmbeddingJob {
  job_id: string;
  workflow_id: string;
}

export async function embeddingsUnderWay(store: Store, datasetId: string): Promise<EmbeddingJob[]> {
  const loads = await store.jobs
    .find({ dataset_id: datasetId, kind: 'embed', finished_at: { $exists: false } }, { projection: { workflow_id: 1 } })
    .toArray();
  return loads.map(({ _id, workflow_id }) => ({ job_id: _id, workflow_id }));
}

/**
 * Deletes all that a dataset consists of, the dataset's own document last: as long as that is there, it can be begun again
 * after a crash at any point. Returns what the job has removed, all attempts together.
 *
 * @throws UserError Superseded when the dataset is no longer this job's to delete.
 */
export async function deleteDataset(store: Store, request: DeleteRequest): Promise<RemovedCounts> {
  const { jobId, datasetId } = request;
  const done = await store.datasets.countDocuments({ _id: datasetId }, { limit: 1 });
  if (done === 0) return removedBy(store, jobId);

  // Search indexes, once there are any, are dropped here: before the vectors that they hold.
  // First of all what an indexing activity that outlived its load needs to write anything: see index-page.ts.
  await deleteWorkingDocuments(store, request);
  await deleteVectors(store, request);
  await deleteSamples(store, request);
  // What an embedding wrote that did not end in time; what it writes from now on it takes back by itself.
  await deleteVectors(store, request);
  // Once more: a listing that outlived its load may have written a page.
  await deleteWorkingDocuments(store, request);
  await store.datasets.deleteOne({ _id: datasetId, 'deleting.job_id': jobId });
  return removedBy(store, jobId);
}

async function deleteVectors(store: Store, request: DeleteRequest): Promise<void> {
  const { datasetId } = request;
  for (const model_key of await modelKeys(store, datasetId)) {
    const own = { dataset_id: datasetId, model_key };
    await inBatches(request, () =>
      removeOwnBatch(store, request, async (session) => {
        const first = await store.embeddings.findOne(own, { projection: { seq: 1 }, sort: { seq: 1 }, session });
        if (first === null) return undefined;
        const range = { $gte: first.seq, $lt: first.seq + BATCH };
        const { deletedCount } = await store.embeddings.deleteMany({ ...own, seq: range }, { session });
        return { samples: 0, vectors: deletedCount };
      }),
    );
  }
}

async function deleteSamples(store: Store, request: DeleteRequest): Promise<void> {
  const own = { dataset_id: request.datasetId };
  await inBatches(request, () =>
    removeOwnBatch(store, request, async (session) => {
      const first = await store.samples.findOne(own, { projection: { seq: 1 }, sort: { seq: 1 }, session });
      if (first === null) return undefined;
      const range = { $gte: first.seq, $lt: first.seq + BATCH };
      const { deletedCount } = await store.samples.deleteMany({ ...own, seq: range }, { session });
      return { samples: deletedCount, vectors: 0 };
    }),
  );
}

/** Runs batches until one finds nothing. */
async function inBatches({ onStep, signal }: DeleteRequest, next: () => Promise<boolean>): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    if (!(await next())) return;
    onStep();
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
    const marked = await store.datasets.findOne({ _id: datasetId, 'deleting.job_id': jobId }, { session });
    if (marked === null)
      throw new UserError('Superseded', `Dataset ${datasetId} is no longer job ${jobId}'s to delete.`);
    removed = await remove(session);
    return removed ?? { samples: 0, vectors: 0 };
  });
  return removed !== undefined;
}

/** What loads of the dataset that were terminated have left behind. Their records stay: they are its history. */
async function deleteWorkingDocuments(store: Store, { datasetId, onStep, signal }: DeleteRequest): Promise<void> {
  const loads = store.jobs.find({ dataset_id: datasetId }, { projection: { _id: 1 } });
  for await (const { _id } of loads) {
    signal.throwIfAborted();
    await Promise.all([store.pages.deleteMany({ job_id: _id }), store.progress.deleteMany({ job_id: _id })]);
    onStep();
  }
}

/** What a deletion would remove now. */
export async function countDataset(store: Store, datasetId: string): Promise<RemovedCounts> {
  const [samples, vectors] = await Promise.all([
    store.samples.countDocuments({ dataset_id: datasetId }),
    store.embeddings.countDocuments({ dataset_id: datasetId }),
  ]);
  return { samples, vectors };
}
