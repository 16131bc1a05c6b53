import { setCounts } from '../store/datasets.ts';
import { countSamples } from '../store/samples.ts';
import type { Store } from '../store/store.ts';

/** Counts a dataset's samples by status, from the index, and caches the counts. Returns whether the dataset exists. */
export async function refreshCounts(store: Store, datasetId: string): Promise<boolean> {
  const [indexed, failed, missing] = await Promise.all([
    countSamples(store, datasetId, 'indexed'),
    countSamples(store, datasetId, 'failed'),
    countSamples(store, datasetId, 'missing'),
  ]);
  return setCounts(store, datasetId, { total: indexed + failed + missing, indexed, failed, missing });
}
