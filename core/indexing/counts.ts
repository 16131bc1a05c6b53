import type { Store } from '../store/store.ts';

/** Counts a dataset's samples by status, on the index, and caches the counts on the dataset. Returns whether that is there. */
export async function refreshCounts(store: Store, datasetId: string): Promise<boolean> {
  const count = (status: 'indexed' | 'failed' | 'missing') =>
    store.samples.countDocuments({ dataset_id: datasetId, status });
  const [indexed, failed, missing] = await Promise.all([count('indexed'), count('failed'), count('missing')]);
  const { matchedCount } = await store.datasets.updateOne(
    { _id: datasetId },
    { $set: { counts: { total: indexed + failed + missing, indexed, failed, missing }, last_modified_at: new Date() } },
  );
  return matchedCount > 0;
}
