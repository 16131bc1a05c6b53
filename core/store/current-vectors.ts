/** Vectors of what samples hold now. A vector whose file has changed since, or is missing, is none of them. */
import type { Binary } from 'mongodb';
import { collectionsOf } from './collections.ts';
import type { EmbeddingDocument, SampleDocument } from './documents.ts';
import type { VectorSet } from './embeddings.ts';
import { oneBatch } from './one-batch.ts';
import { isVectorOf } from './sample-version.ts';
import type { Store } from './store.ts';

/** A vector of length 1, and the hash of what it was made of. */
export interface CurrentVector {
  seq: number;
  vector: Float32Array;
  content: string;
}

const SAMPLE_FIELDS = { seq: 1, content: 1, 'source.fingerprint': 1, 'source.reread_by': 1 } as const;

type Stored = Pick<EmbeddingDocument, 'seq' | 'sample_id' | 'version' | 'content'> & { vector: Binary };

/** The current vectors of a set, in seq order. */
export async function* currentVectors(store: Store, { datasetId, modelKey }: VectorSet): AsyncGenerator<CurrentVector> {
  const { samples, embeddings } = collectionsOf(store);
  const ofSamples = samples
    .find({ dataset_id: datasetId, status: 'indexed' }, { projection: SAMPLE_FIELDS, batchSize: 5000 })
    .sort({ seq: 1 });
  const vectors = embeddings
    .find({ dataset_id: datasetId, model_key: modelKey })
    .project<Stored>({ _id: 0, seq: 1, vector: 1, content: 1, version: 1, sample_id: 1 })
    .sort({ seq: 1 })
    .batchSize(1000);
  try {
    let sample = await ofSamples.next();
    for await (const stored of vectors) {
      while (sample !== null && sample.seq < stored.seq) sample = await ofSamples.next();
      if (sample === null) return;
      if (sample.seq !== stored.seq || !isVectorOf(sample, stored)) continue;
      yield { seq: stored.seq, vector: stored.vector.toFloat32Array(), content: stored.content };
    }
  } finally {
    await Promise.all([ofSamples.close(), vectors.close()]);
  }
}

/** The seqs of a set's vectors in order, from the index alone. */
export async function* vectorSeqs(store: Store, { datasetId, modelKey }: VectorSet): AsyncGenerator<number> {
  const found = collectionsOf(store)
    .embeddings.find(
      { dataset_id: datasetId, model_key: modelKey },
      { projection: { _id: 0, seq: 1 }, batchSize: 20_000 },
    )
    .sort({ seq: 1 });
  for await (const { seq } of found) yield seq;
}

/** A sample with its current vector, and what tells which of several copies is the best. */
export interface CurrentSample extends CurrentVector {
  version: string;
  metadata: SampleDocument['metadata'];
  sizeBytes: number;
}

/** Those of these seqs whose samples have a current vector, in no order. */
export async function currentSamples(
  store: Store,
  { datasetId, modelKey }: VectorSet,
  seqs: readonly number[],
): Promise<CurrentSample[]> {
  if (seqs.length === 0) return [];
  const { embeddings, samples } = collectionsOf(store);
  const [vectors, found] = await Promise.all([
    embeddings
      .find({ dataset_id: datasetId, model_key: modelKey, seq: { $in: [...seqs] } }, oneBatch(seqs.length))
      .project<Stored>({ _id: 0, seq: 1, vector: 1, content: 1, version: 1, sample_id: 1 })
      .toArray(),
    samples
      .find(
        { dataset_id: datasetId, seq: { $in: [...seqs] }, status: 'indexed' },
        { projection: { ...SAMPLE_FIELDS, metadata: 1, 'source.size_bytes': 1 }, ...oneBatch(seqs.length) },
      )
      .toArray(),
  ]);
  const bySeq = new Map(found.map((sample) => [sample.seq, sample]));
  return vectors.flatMap((stored) => {
    const sample = bySeq.get(stored.seq);
    if (sample === undefined || !isVectorOf(sample, stored)) return [];
    const { seq, content, version, vector } = stored;
    const { metadata, source } = sample;
    return [{ seq, content, version, vector: vector.toFloat32Array(), metadata, sizeBytes: source.size_bytes }];
  });
}
