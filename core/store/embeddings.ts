import {
  type AnyBulkWriteOperation,
  type Binary,
  type ClientSession,
  type FindCursor,
  ObjectId,
  Timestamp,
} from 'mongodb';
import { collectionsOf } from './collections.ts';
import type { EmbeddingDocument } from './documents.ts';
import { insertNew, type Store } from './store.ts';
import { vectorBinaries } from './vector-binary.ts';

/** The vectors of one model in one dataset. */
export interface VectorSet {
  datasetId: string;
  modelKey: string;
}

/** The name and the revision in a model's key. */
export function partsOfKey(key: string): { name: string; revision: string } {
  const at = key.lastIndexOf('@');
  return { name: key.slice(0, at), revision: key.slice(at + 1) };
}

const filterOf = ({ datasetId, modelKey }: VectorSet) => ({ dataset_id: datasetId, model_key: modelKey });

/** Counts vectors. With a limit, counting stops at the limit. */
export async function countVectors(store: Store, set: VectorSet, limit?: number): Promise<number> {
  const { embeddings } = collectionsOf(store);
  return embeddings.countDocuments(filterOf(set), limit === undefined ? {} : { limit });
}

/** Counts a dataset's vectors of all models. */
export async function countVectorsOfDataset(store: Store, datasetId: string): Promise<number> {
  return collectionsOf(store).embeddings.countDocuments({ dataset_id: datasetId });
}

/** The dimension of the model's vectors. Undefined if there are none. */
export async function dimensionOf(store: Store, set: VectorSet): Promise<number | undefined> {
  return (await collectionsOf(store).embeddings.findOne(filterOf(set), { projection: { dim: 1 } }))?.dim;
}

/** The keys of the models that have vectors in a dataset, from the index alone. */
export function vectorModels(store: Store, datasetId: string): Promise<string[]> {
  return collectionsOf(store).embeddings.distinct('model_key', { dataset_id: datasetId });
}

/** The version of a sample's vector. */
export type VersionOfVector = Pick<EmbeddingDocument, 'seq' | 'version'>;

/** The versions of the vectors with from <= seq < to, in seq order. The caller closes the cursor. */
export function vectorVersions(store: Store, set: VectorSet, from: number, to: number): FindCursor<VersionOfVector> {
  return collectionsOf(store)
    .embeddings.find({ ...filterOf(set), seq: { $gte: from, $lt: to } })
    .project<VersionOfVector>({ _id: 0, seq: 1, version: 1 })
    .sort({ seq: 1 })
    .batchSize(5000);
}

/** Finds vectors by the hash of their content. Hashes without a vector are absent from the result. */
export async function findVectorsByContent(
  store: Store,
  set: VectorSet,
  contents: readonly string[],
): Promise<Map<string, Float32Array>> {
  if (contents.length === 0) return new Map();
  // One vector a hash, however many samples have that content: the server reads one of each (a distinct scan).
  const found = await collectionsOf(store)
    .embeddings.aggregate<{ _id: string; vector: Binary }>([
      { $match: { ...filterOf(set), content: { $in: [...contents] } } },
      { $sort: { content: 1 } },
      { $group: { _id: '$content', vector: { $first: '$vector' } } },
    ])
    .toArray();
  return new Map(found.map(({ _id, vector }) => [_id, vector.toFloat32Array()]));
}

/** A vector to store. `isStale` means that an earlier vector of the sample is already stored. */
export interface NewVector {
  seq: number;
  sampleId: ObjectId;
  vector: Float32Array;
  content: string;
  version: string;
  isStale: boolean;
  /** Of a vector that an import brings. */
  imported?: EmbeddingDocument['imported'];
}

/** Stores vectors. Each replaces an earlier vector of its sample. */
export async function writeVectors(store: Store, set: VectorSet, vectors: readonly NewVector[]): Promise<void> {
  const { embeddings } = collectionsOf(store);
  const binaries = vectorBinaries(vectors.map(({ vector }) => vector));
  const documents = vectors.map(
    ({ seq, sampleId, vector, content, version, imported }, i): EmbeddingDocument => ({
      _id: new ObjectId(),
      dataset_id: set.datasetId,
      seq,
      sample_id: sampleId,
      model_key: set.modelKey,
      dim: vector.length,
      vector: binaries[i] as Binary,
      content,
      version,
      ...(imported === undefined ? {} : { imported }),
      // The server puts its cluster time in the place of an empty timestamp.
      written: new Timestamp({ t: 0, i: 0 }),
    }),
  );
  const isStale = (_: EmbeddingDocument, i: number) => vectors[i]?.isStale === true;
  const repeated = await insertNew(
    embeddings,
    documents.filter((document, i) => !isStale(document, i)),
  );
  const stale = documents.filter(isStale);
  const replacements = [...stale, ...repeated].map(replacementOf);
  if (replacements.length > 0) await embeddings.bulkWrite(replacements, { ordered: false });
}

/** An upsert, because a prune or a delete may have removed the earlier vector. */
function replacementOf({ _id, written, ...vector }: EmbeddingDocument): AnyBulkWriteOperation<EmbeddingDocument> {
  const { dataset_id, model_key, seq } = vector;
  const update = {
    $set: vector,
    ...(vector.imported === undefined ? { $unset: { imported: true as const } } : {}),
    $currentDate: { written: { $type: 'timestamp' as const } },
  };
  return { updateOne: { filter: { dataset_id, model_key, seq }, update, upsert: true } };
}

/**
 * Removes the vectors of samples that no longer exist. A new sample that has taken the same number keeps its vector.
 */
export async function removeVectorsOf(
  store: Store,
  set: VectorSet,
  samples: readonly { seq: number; _id: ObjectId }[],
): Promise<void> {
  await collectionsOf(store).embeddings.deleteMany({
    ...filterOf(set),
    seq: { $in: samples.map(({ seq }) => seq) },
    sample_id: { $in: samples.map(({ _id }) => _id) },
  });
}

/** The vectors of some samples in several models. Naming the models lets the index answer. */
export interface SampleVectors {
  datasetId: string;
  models: readonly string[];
  seqs: readonly number[];
}

const vectorsOf = ({ datasetId, models, seqs }: SampleVectors) => ({
  dataset_id: datasetId,
  model_key: { $in: [...models] },
  seq: { $in: [...seqs] },
});

/** Counts the vectors of some samples. */
export async function countSampleVectors(store: Store, vectors: SampleVectors): Promise<number> {
  return collectionsOf(store).embeddings.countDocuments(vectorsOf(vectors));
}

/** Removes vectors. Returns how many it removed. */
export async function removeSampleVectors(
  store: Store,
  vectors: SampleVectors,
  session?: ClientSession,
): Promise<number> {
  const options = session === undefined ? {} : { session };
  return (await collectionsOf(store).embeddings.deleteMany(vectorsOf(vectors), options)).deletedCount;
}

/**
 * Removes the vectors of the next `count` numbers that have any. Returns how many it removed; undefined if none were
 * left.
 */
export async function removeNextVectors(
  store: Store,
  set: VectorSet,
  count: number,
  session: ClientSession,
): Promise<number | undefined> {
  const { embeddings } = collectionsOf(store);
  const first = await embeddings.findOne(filterOf(set), { projection: { seq: 1 }, sort: { seq: 1 }, session });
  if (first === null) return undefined;
  const range = { $gte: first.seq, $lt: first.seq + count };
  return (await embeddings.deleteMany({ ...filterOf(set), seq: range }, { session })).deletedCount;
}

/** A sample's vectors of these models, without their elements. */
export async function describeVectors(
  store: Store,
  { datasetId, models, seq }: { datasetId: string; models: readonly string[]; seq: number },
): Promise<Pick<EmbeddingDocument, 'model_key' | 'dim' | 'version'>[]> {
  return collectionsOf(store)
    .embeddings.find({ dataset_id: datasetId, model_key: { $in: [...models] }, seq }, { projection: { vector: 0 } })
    .toArray();
}
