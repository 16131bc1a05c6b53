import { Timestamp } from 'mongodb';
import { UserError } from '../errors.ts';
import { type ClusterTime, LOCAL, readAt, type Write, writtenSince } from './cluster-time.ts';
import { collectionsOf } from './collections.ts';
import type { EmbeddingDocument, SampleDocument } from './documents.ts';
import type { VectorSet } from './embeddings.ts';
import { oneBatch } from './one-batch.ts';
import { SAMPLE_INDEXES, VECTOR_INDEXES } from './prepare.ts';
import { isVectorOf } from './sample-version.ts';
import { findSample } from './samples.ts';
import { conditionOf, indexFor, type SampleFilter } from './search-samples.ts';
import type { Store } from './store.ts';
import { copyElements } from './vector-binary.ts';

/** A vector of length 1 and its sample's seq. */
export interface StoredVector {
  seq: number;
  vector: Float32Array;
}

/**
 * Finds the vectors of a set that were written since a time, in the order of their writes, and the time of this look.
 * Vectors of the last ten seconds before that time are found once more.
 */
export async function vectorsWrittenSince(
  store: Store,
  { datasetId, modelKey }: VectorSet,
  since: ClusterTime,
): Promise<{ found: Write[]; at: ClusterTime }> {
  const { found, at } = await readAt(store, (session) =>
    collectionsOf(store)
      .embeddings.find(
        { dataset_id: datasetId, model_key: modelKey, written: writtenSince(since) },
        { session, readConcern: LOCAL, hint: VECTOR_INDEXES.written, batchSize: 50_000 },
      )
      .project<Pick<EmbeddingDocument, 'seq' | 'written'>>({ _id: 0, seq: 1, written: 1 })
      .map(({ seq, written }): Write => ({ seq, written: written.toString() }))
      .toArray(),
  );
  return { found, at: at ?? since };
}

/** Some vectors of length 1, and their samples' seqs. */
export interface VectorBatch {
  seqs: number[];
  /** When each was written. */
  written: Timestamp[];
  /** One after the other. */
  vectors: Float32Array<ArrayBuffer>;
}

/**
 * Yields the vectors of a set after a seq, up to `size` at a time, in seq order. A vector that has not `dim` elements is
 * none of this model's, and is left out.
 */
export async function* vectorsAfter(
  store: Store,
  { datasetId, modelKey, dim }: VectorSet & { dim: number },
  after: number,
  size: number,
): AsyncGenerator<VectorBatch> {
  const cursor = collectionsOf(store)
    .embeddings.find({ dataset_id: datasetId, model_key: modelKey, seq: { $gt: after } }, { readConcern: LOCAL })
    .project<Pick<EmbeddingDocument, 'seq' | 'vector' | 'written'>>({ _id: 0, seq: 1, vector: 1, written: 1 })
    .sort({ seq: 1 })
    .batchSize(size);
  const newBatch = (): VectorBatch => ({ seqs: [], written: [], vectors: new Float32Array(size * dim) });
  let batch = newBatch();
  try {
    for await (const { seq, vector, written } of cursor) {
      const at = batch.seqs.length * dim;
      if (!copyElements(vector, batch.vectors.subarray(at, at + dim))) continue;
      batch.written.push(written);
      if (batch.seqs.push(seq) < size) continue;
      yield batch;
      batch = newBatch();
    }
    const { seqs, vectors } = batch;
    if (seqs.length > 0) yield { ...batch, vectors: vectors.slice(0, seqs.length * dim) };
  } finally {
    await cursor.close();
  }
}

/** The vectors of these seqs, in no order. Seqs without a vector are left out. */
export async function vectorsOfSeqs(
  store: Store,
  { datasetId, modelKey }: VectorSet,
  seqs: readonly number[],
): Promise<StoredVector[]> {
  if (seqs.length === 0) return [];
  return collectionsOf(store)
    .embeddings.find(
      { dataset_id: datasetId, model_key: modelKey, seq: { $in: [...seqs] } },
      { readConcern: LOCAL, ...oneBatch(seqs.length) },
    )
    .project<Pick<EmbeddingDocument, 'seq' | 'vector'>>({ _id: 0, seq: 1, vector: 1 })
    .map(({ seq, vector }) => ({ seq, vector: vector.toFloat32Array() }))
    .toArray();
}

/** A sample, and the vector of what it holds now, if there is one. */
export interface QueriedSample {
  sample: SampleDocument;
  vector: Float32Array | undefined;
}

/** Reads a sample and its vector. Undefined if there is no such sample. */
export async function sampleWithVector(
  store: Store,
  { datasetId, modelKey }: VectorSet,
  seq: number,
): Promise<QueriedSample | undefined> {
  const [sample, stored] = await Promise.all([
    findSample(store, datasetId, seq),
    collectionsOf(store).embeddings.findOne(
      { dataset_id: datasetId, model_key: modelKey, seq },
      { projection: { _id: 0, vector: 1, version: 1, sample_id: 1 }, readConcern: LOCAL },
    ),
  ]);
  if (sample === undefined) return undefined;
  return { sample, vector: stored !== null && isVectorOf(sample, stored) ? stored.vector.toFloat32Array() : undefined };
}

/** A sample that a search may give out, with its vector. */
export interface SearchableSample extends StoredVector {
  filepath: string;
}

/**
 * Reads the samples of these seqs that are there and match the filter, each with the vector of what it holds now. A sample
 * that is missing, or whose file has changed since it was embedded, is left out; so is a vector that has not `dim`
 * elements.
 */
export async function searchableSamples(
  store: Store,
  { datasetId, modelKey, dim }: VectorSet & { dim: number },
  seqs: readonly number[],
  filter?: SampleFilter,
): Promise<SearchableSample[]> {
  if (seqs.length === 0) return [];
  const { embeddings, samples } = collectionsOf(store);
  const options = { readConcern: LOCAL, ...oneBatch(seqs.length) };
  const found = samples
    .find(
      { $and: [{ dataset_id: datasetId, seq: { $in: [...seqs] }, status: 'indexed' }, conditionOf(filter ?? {})] },
      { ...options, hint: SAMPLE_INDEXES.seq },
    )
    .project<SampleDocument>({ seq: 1, filepath: 1, content: 1, 'source.fingerprint': 1, 'source.reread_by': 1 })
    .toArray();
  // Without a filter nearly all are there, so both are read at once.
  const wanted = filter === undefined ? [...seqs] : (await found).map(({ seq }) => seq);
  const [bySeq, stored] = await Promise.all([
    found.then((all) => new Map(all.map((sample) => [sample.seq, sample]))),
    embeddings
      .find(
        { dataset_id: datasetId, model_key: modelKey, seq: { $in: wanted } },
        { ...options, hint: VECTOR_INDEXES.seq },
      )
      .project<Pick<EmbeddingDocument, 'seq' | 'vector' | 'version' | 'sample_id'>>({
        _id: 0,
        seq: 1,
        vector: 1,
        version: 1,
        sample_id: 1,
      })
      .toArray(),
  ]);
  // Memory for each vector costs more time than its elements.
  const vectors = new Float32Array(stored.length * dim);
  return stored.flatMap((each, i) => {
    const sample = bySeq.get(each.seq);
    const vector = vectors.subarray(i * dim, (i + 1) * dim);
    if (sample === undefined || !isVectorOf(sample, each) || !copyElements(each.vector, vector)) return [];
    return [{ seq: each.seq, vector, filepath: sample.filepath }];
  });
}

const MAX_TIME_MS = 10_000;
const MAX_TIME_EXPIRED = 50;

/**
 * The next seqs, at most `most`, of samples that match a filter.
 *
 * @throws UserError TooSlow
 */
export async function seqsMatchingAfter(
  store: Store,
  { datasetId, filter, after, most }: { datasetId: string; filter: SampleFilter; after: number; most: number },
): Promise<number[]> {
  const { driver, hint, rest } = indexFor(filter);
  // One document with all seqs: fifty thousand documents take ten times as long to decode.
  const [found] = await collectionsOf(store)
    .samples.aggregate<{ seqs: number[] }>(
      [
        { $match: { $and: [{ dataset_id: datasetId, ...driver, seq: { $gt: after } }, rest] } },
        { $sort: { seq: 1 } },
        { $limit: most },
        { $group: { _id: null, seqs: { $push: '$seq' } } },
      ],
      { hint, maxTimeMS: MAX_TIME_MS },
    )
    .toArray()
    .catch((error: Error & { code?: unknown }) => {
      throw error.code === MAX_TIME_EXPIRED ? tooSlow(datasetId, error) : error;
    });
  return found?.seqs ?? [];
}

const tooSlow = (datasetId: string, cause: Error) =>
  new UserError(
    'TooSlow',
    `The samples of ${datasetId} that match the filter can't be found in ${MAX_TIME_MS / 1000} seconds. ` +
      'Narrow it by what has an index: a status, a tag, an error or a format.',
    { cause },
  );

/** Counts the vectors of a set that were written after a time, without those of the same second. */
export async function countWrittenSince(
  store: Store,
  { datasetId, modelKey }: VectorSet,
  since: ClusterTime,
): Promise<number> {
  return collectionsOf(store).embeddings.countDocuments(
    { dataset_id: datasetId, model_key: modelKey, written: { $gte: new Timestamp({ t: since + 1, i: 0 }) } },
    { hint: VECTOR_INDEXES.written },
  );
}
