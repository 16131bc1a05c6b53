import { collectionsOf } from './collections.ts';
import type { SampleDocument } from './documents.ts';
import { oneBatch } from './one-batch.ts';
import { SAMPLE_INDEXES } from './prepare.ts';
import { WITHOUT_LARGE_FIELDS } from './samples.ts';
import type { Store } from './store.ts';

/** A file of a dataset. */
export interface FileOfDataset {
  datasetId: string;
  filepath: string;
}

/** How many items a file holds. Parts are dense, so the last one tells; items that the file has lost are passed over. */
export async function countItems(store: Store, { datasetId, filepath }: FileOfDataset): Promise<number> {
  const last = await collectionsOf(store).samples.findOne(
    { dataset_id: datasetId, filepath, status: 'indexed' },
    { projection: { _id: 0, part: 1 }, sort: { part: -1 }, hint: SAMPLE_INDEXES.path },
  );
  return last === null ? 0 : last.part + 1;
}

/** Items that a file holds, in order, from a part on. */
export async function itemsFrom(
  store: Store,
  { datasetId, filepath }: FileOfDataset,
  { from, limit }: { from: number; limit: number },
): Promise<SampleDocument[]> {
  return collectionsOf(store)
    .samples.find(
      { dataset_id: datasetId, filepath, part: { $gte: from, $lt: from + limit }, status: 'indexed' },
      { projection: WITHOUT_LARGE_FIELDS, sort: { part: 1 }, hint: SAMPLE_INDEXES.path, ...oneBatch(limit) },
    )
    .toArray();
}
