import { type FindCursor, ReadConcern, Timestamp } from 'mongodb';
import { collectionsOf } from './collections.ts';
import type { EmbeddingDocument, SampleDocument } from './documents.ts';
import type { VectorSet } from './embeddings.ts';
import { VECTOR_INDEXES } from './prepare.ts';
import { versionOf } from './sample-version.ts';
import { conditionOf, indexFor, type SampleFilter } from './search-samples.ts';
import type { Store } from './store.ts';

/** A vector of length 1 and its sample's seq. */
export interface StoredVector {
  seq: number;
  vector: Float32Array;
}

/** A moment of the server's cluster time, in seconds. */
export type ClusterTime = number;

/**
 * A write may show later than one with a later time: by as long as a batch takes to be stored. Older writes of this many
 * seconds are looked at again.
 */
const LATE_WRITES_S = 10;

/** Reads what the primary has, acknowledged by a majority or not: each hit is read again before it is given out. */
const LOCAL = new ReadConcern('local');

/** The cluster time now. What is written from here on is found by `vectorsWrittenSince`. */
export async function clusterTime(store: Store): Promise<ClusterTime> {
  return store.client.withSession(async (session) => {
    await collectionsOf(store).meta.findOne({ _id: 'schema' }, { session, readConcern: LOCAL });
    return session.operationTime?.getHighBits() ?? 0;
  });
}

/** A vector's number, and the time of its last write as a string. */
export interface WrittenVector {
  seq: number;
  written: string;
}

/**
 * Finds the vectors of a set that were written since a time, in the order of their writes, and the time of this look.
 * Vectors of the last ten seconds before that time are found once more.
 */
export async function vectorsWrittenSince(
  store: Store,
  { datasetId, modelKey }: VectorSet,
  since: ClusterTime,
): Promise<{ found: WrittenVector[]; at: ClusterTime }> {
  return store.client.withSession(async (session) => {
    const written = { $gte: new Timestamp({ t: Math.max(0, since - LATE_WRITES_S), i: 0 }) };
    const found = await collectionsOf(store)
      .embeddings.find(
        { dataset_id: datasetId, model_key: modelKey, written },
        { session, readConcern: LOCAL, hint: VECTOR_INDEXES.written, batchSize: 50_000 },
      )
      .project<Pick<EmbeddingDocument, 'seq' | 'written'>>({ _id: 0, seq: 1, written: 1 })
      .map(({ seq, written: at }) => ({ seq, written: at.toString() }))
      .toArray();
    return { found, at: session.operationTime?.getHighBits() ?? since };
  });
}

/** The vectors of a set after a seq, in seq order. The caller closes the cursor. */
export function vectorsAfter(
  store: Store,
  { datasetId, modelKey }: VectorSet,
  after: number,
): FindCursor<StoredVector> {
  return collectionsOf(store)
    .embeddings.find({ dataset_id: datasetId, model_key: modelKey, seq: { $gt: after } }, { readConcern: LOCAL })
    .project<Pick<EmbeddingDocument, 'seq' | 'vector'>>({ _id: 0, seq: 1, vector: 1 })
    .sort({ seq: 1 })
    .batchSize(1000)
    .map(({ seq, vector }) => ({ seq, vector: vector.toFloat32Array() }));
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
      { readConcern: LOCAL, batchSize: seqs.length },
    )
    .project<Pick<EmbeddingDocument, 'seq' | 'vector'>>({ _id: 0, seq: 1, vector: 1 })
    .map(({ seq, vector }) => ({ seq, vector: vector.toFloat32Array() }))
    .toArray();
}

/** The vector of what a sample holds now. Undefined if there is none. */
export async function vectorOfSample(
  store: Store,
  { datasetId, modelKey }: VectorSet,
  sample: SampleDocument,
): Promise<Float32Array | undefined> {
  const found = await collectionsOf(store).embeddings.findOne(
    { dataset_id: datasetId, model_key: modelKey, seq: sample.seq, sample_id: sample._id },
    { projection: { _id: 0, vector: 1, version: 1 }, readConcern: LOCAL },
  );
  return found?.version === versionOf(sample) ? found.vector.toFloat32Array() : undefined;
}

/** A sample that a search may give out, with its vector. */
export interface SearchableSample extends StoredVector {
  filepath: string;
}

/**
 * Reads the samples of these seqs that are there and match the filter, each with the vector of what it holds now. A sample
 * that is missing, or whose file has changed since it was embedded, is left out.
 */
export async function searchableSamples(
  store: Store,
  set: VectorSet,
  seqs: readonly number[],
  filter: SampleFilter = {},
): Promise<SearchableSample[]> {
  if (seqs.length === 0) return [];
  const { datasetId, modelKey } = set;
  const { embeddings, samples } = collectionsOf(store);
  const options = { readConcern: LOCAL, batchSize: seqs.length };
  const [vectors, found] = await Promise.all([
    embeddings
      .find({ dataset_id: datasetId, model_key: modelKey, seq: { $in: [...seqs] } }, options)
      .project<Pick<EmbeddingDocument, 'seq' | 'vector' | 'version' | 'sample_id'>>({
        _id: 0,
        seq: 1,
        vector: 1,
        version: 1,
        sample_id: 1,
      })
      .toArray(),
    samples
      .find(
        { $and: [{ dataset_id: datasetId, seq: { $in: [...seqs] }, status: 'indexed' }, conditionOf(filter)] },
        options,
      )
      .project<SampleDocument>({ seq: 1, filepath: 1, content: 1, 'source.fingerprint': 1, 'source.reread_by': 1 })
      .toArray(),
  ]);
  const bySeq = new Map(found.map((sample) => [sample.seq, sample]));
  return vectors.flatMap(({ seq, vector, version, sample_id }) => {
    const sample = bySeq.get(seq);
    if (sample === undefined || !sample._id.equals(sample_id) || versionOf(sample) !== version) return [];
    return [{ seq, vector: vector.toFloat32Array(), filepath: sample.filepath }];
  });
}

const MAX_TIME_MS = 10_000;

/** The seqs of the samples that match a filter, if there are at most `most`; undefined if there are more. */
export async function seqsMatching(
  store: Store,
  datasetId: string,
  filter: SampleFilter,
  most: number,
): Promise<number[] | undefined> {
  const found = await seqsMatchingAfter(store, { datasetId, filter, after: -1, most: most + 1 });
  return found.length > most ? undefined : found;
}

/** The next seqs, at most `most`, of samples that match a filter. */
export async function seqsMatchingAfter(
  store: Store,
  { datasetId, filter, after, most }: { datasetId: string; filter: SampleFilter; after: number; most: number },
): Promise<number[]> {
  const { driver, hint, rest } = indexFor(filter);
  return collectionsOf(store)
    .samples.find(
      { $and: [{ dataset_id: datasetId, ...driver, seq: { $gt: after } }, rest] },
      { hint, sort: { seq: 1 }, limit: most, batchSize: most, maxTimeMS: MAX_TIME_MS },
    )
    .project<Pick<SampleDocument, 'seq'>>({ _id: 0, seq: 1 })
    .map(({ seq }) => seq)
    .toArray();
}

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
