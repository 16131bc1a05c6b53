import type { WithId } from 'mongodb';
import { refreshCounts } from '../indexing/counts.ts';
import type { RemovedCounts, SampleDocument } from '../store/documents.ts';
import type { Store } from '../store/store.ts';
import { BATCH, removeBatch, removedBy } from './remove-batch.ts';
import { filterOf, modelKeys, refreshVectors, removeVectors } from './vectors.ts';

export interface PruneRequest {
  loadId: string;
  datasetId: string;
  /** Called after each batch. */
  onStep: () => void;
  signal: AbortSignal;
}

/**
 * Removes the samples of a dataset whose files are missing, and their vectors of all models. Each batch is whole or not at all,
 * so it may be broken off at any point and begun again. Returns what the job has removed, all attempts together.
 */
export async function pruneMissing(store: Store, request: PruneRequest): Promise<RemovedCounts> {
  const { loadId, datasetId, onStep, signal } = request;
  const models = await modelKeys(store, datasetId);
  for (let n = await store.pages.countDocuments({ load_id: loadId }); ; n += 1) {
    signal.throwIfAborted();
    if ((await pruneBatch(store, request, models, n)) === 0) break;
    onStep();
  }
  await removeLateVectors(store, request);
  await refreshCounts(store, datasetId);
  await refreshVectors(store, datasetId, onStep);
  return removedBy(store, loadId);
}

/** Returns how many samples the batch held. */
async function pruneBatch(
  store: Store,
  { loadId, datasetId }: PruneRequest,
  models: readonly string[],
  n: number,
): Promise<number> {
  let found: Pick<WithId<SampleDocument>, '_id' | 'seq'>[] = [];
  await removeBatch(store, loadId, async (session) => {
    found = await store.samples
      .find({ dataset_id: datasetId, status: 'missing' }, { projection: { seq: 1 }, session })
      .sort({ seq: 1 })
      .limit(BATCH)
      .toArray();
    if (found.length === 0) return { samples: 0, vectors: 0 };
    const seqs = found.map(({ seq }) => seq);
    const vectors = await removeVectors(store, { datasetId, models, seqs }, session);
    const { deletedCount } = await store.samples.deleteMany({ _id: { $in: found.map(({ _id }) => _id) } }, { session });
    await store.pages.insertOne(
      { _id: `${loadId}/${n}`, load_id: loadId, n, upto: '', last: false, entries: [], gone: seqs },
      { session },
    );
    return { samples: deletedCount, vectors };
  });
  return found.length;
}

/**
 * An embedding that runs beside the prune may have written a vector between the two deletions of a batch. The batches are
 * on record until the job ends, so that this holds after a crash, too. What it writes later it takes back by itself.
 */
async function removeLateVectors(store: Store, { loadId, datasetId, onStep, signal }: PruneRequest): Promise<void> {
  const models = await modelKeys(store, datasetId);
  for await (const { gone } of store.pages.find({ load_id: loadId })) {
    signal.throwIfAborted();
    await removeVectors(store, { datasetId, models, seqs: gone });
    onStep();
  }
}

/** What a prune would remove now. */
export async function countMissing(store: Store, datasetId: string): Promise<RemovedCounts> {
  const models = await modelKeys(store, datasetId);
  const counts: RemovedCounts = { samples: 0, vectors: 0 };
  for (let after = -1; ; ) {
    const found = await store.samples
      .find({ dataset_id: datasetId, status: 'missing', seq: { $gt: after } }, { projection: { _id: 0, seq: 1 } })
      .sort({ seq: 1 })
      .limit(BATCH)
      .toArray();
    const last = found.at(-1);
    if (last === undefined) return counts;
    counts.samples += found.length;
    counts.vectors += await store.embeddings.countDocuments(
      filterOf({ datasetId, models, seqs: found.map(({ seq }) => seq) }),
    );
    after = last.seq;
  }
}
