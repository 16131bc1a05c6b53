import { type DatasetOrder, pageOfDatasets } from '../../core/store/datasets.ts';
import type { DatasetDocument } from '../../core/store/documents.ts';
import type { Store } from '../../core/store/store.ts';
import { type DatasetSort, readDatasetsCursor, writeDatasetsCursor } from '../schemas/datasets-cursor.ts';

/** A page of datasets, and the cursor of the next one. */
export async function listDatasets(
  store: Store,
  { sort, limit, cursor }: { sort: DatasetSort; limit: number; cursor?: string | undefined },
): Promise<{ documents: DatasetDocument[]; next: string | null }> {
  const field = sort.replace('-', '') as 'name' | Exclude<DatasetOrder, '_id'>;
  const found = await pageOfDatasets(store, {
    order: field === 'name' ? '_id' : field,
    direction: sort.startsWith('-') ? -1 : 1,
    from: cursor === undefined ? undefined : readDatasetsCursor(cursor, sort),
    // One more than the limit tells whether there is a next page.
    limit: limit + 1,
  });
  const documents = found.slice(0, limit);
  const last = documents.at(-1);
  if (found.length <= limit || last === undefined) return { documents, next: null };
  const position = { name: last._id, at: field === 'name' ? undefined : last[field] };
  return { documents, next: writeDatasetsCursor(sort, position) };
}
