import { type Filter, GridFSBucket, type GridFSFile, type ObjectId } from 'mongodb';
import { collectionsOf } from './collections.ts';
import type { VectorSet } from './embeddings.ts';
import type { Store } from './store.ts';

/** Whose index a file belongs to. */
export interface IndexFileOwner extends VectorSet {
  /** The index's ID. */
  indexId: string;
  name: string;
}

const CHUNK_BYTES = 1024 * 1024;

/** The bucket of index files: `indexes.files` and `indexes.chunks`. */
function bucketOf(store: Store): GridFSBucket {
  const { db } = collectionsOf(store).meta;
  return new GridFSBucket(db, { bucketName: 'indexes', chunkSizeBytes: CHUNK_BYTES, writeConcern: { w: 'majority' } });
}

/** Opens a file for writing. It can be read when the stream has finished. */
export function openIndexUpload(store: Store, { datasetId, modelKey, indexId, name }: IndexFileOwner) {
  return bucketOf(store).openUploadStream(`${datasetId}/${name}`, {
    metadata: { dataset_id: datasetId, model_key: modelKey, index_id: indexId, name },
  });
}

/** Opens a file for reading. The stream fails if the file is not there, or not whole. */
export function openIndexDownload(store: Store, id: ObjectId): NodeJS.ReadableStream {
  return bucketOf(store).openDownloadStream(id);
}

/** Removes the files of a dataset's indexes: of one model, or of all. */
export async function removeIndexFiles(
  store: Store,
  { datasetId, modelKey }: { datasetId: string; modelKey?: string },
): Promise<void> {
  const model = modelKey === undefined ? {} : { 'metadata.model_key': modelKey };
  await removeFiles(store, { 'metadata.dataset_id': datasetId, ...model });
}

/** Removes the files of one index. */
export async function removeIndex(store: Store, { datasetId, modelKey }: VectorSet, indexId: string): Promise<void> {
  const owner = { 'metadata.dataset_id': datasetId, 'metadata.model_key': modelKey };
  await removeFiles(store, { ...owner, 'metadata.index_id': indexId });
}

async function removeFiles(store: Store, filter: Filter<GridFSFile>): Promise<void> {
  for await (const { _id } of bucketOf(store).find(filter)) await removeFile(store, _id);
}

/** Removes a file and its chunks. Another process may have removed it. */
async function removeFile(store: Store, id: ObjectId): Promise<void> {
  const { db } = collectionsOf(store).meta;
  // The chunks first: a file without all its chunks is never read, and chunks without a file would stay for ever.
  await db.collection('indexes.chunks').deleteMany({ files_id: id });
  await db.collection('indexes.files').deleteOne({ _id: id });
}

/**
 * Removes what broken-off builds that began before a time have left, of any dataset: files of an index that is not among
 * the `published` ones, and chunks of a file that was never finished, since an upload writes the file's document last.
 */
export async function removeBrokenUploads(
  store: Store,
  { before, published }: { before: Date; published: readonly string[] },
): Promise<void> {
  await removeFiles(store, { 'metadata.index_id': { $nin: [...published] }, uploadDate: { $lt: before } });
  const { db } = collectionsOf(store).meta;
  const chunks = db.collection<{ files_id: ObjectId }>('indexes.chunks');
  const whole = new Set((await db.collection('indexes.files').distinct('_id')).map(String));
  for (const id of await chunks.distinct('files_id'))
    if (!whole.has(String(id)) && id.getTimestamp() < before) await removeFile(store, id);
}
