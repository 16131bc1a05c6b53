import { Binary, ObjectId, Timestamp } from 'mongodb';
import type { SearchedSet } from '../../core/search/finder.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import type { SampleDocument } from '../../core/store/documents.ts';
import { versionOf } from '../../core/store/sample-version.ts';
import type { Store } from '../../core/store/store.ts';
import { randomNumbers } from '../../scripts/random-numbers.ts';
import { fillDataset } from '../api/support/fill.ts';

/** Vectors of length 1 in some clusters, as a model's are. */
export function clusteredVectors(count: number, dim: number, seed = 1): Float32Array[] {
  const random = randomNumbers(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const centres = Array.from({ length: 20 }, () => Float32Array.from({ length: dim }, normal));
  return Array.from({ length: count }, () => {
    const centre = centres[Math.floor(random() * centres.length)] as Float32Array;
    return unit(centre.map((element) => element + normal()));
  });
}

export function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((element) => element / length);
}

export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** A dataset without files whose sample `seq` has the vector `vectors[seq]` of a model. */
export async function fillWithVectors(
  store: Store,
  { datasetId, modelKey, dim }: SearchedSet,
  vectors: readonly Float32Array[],
  change: (seq: number) => Partial<SampleDocument> = () => ({}),
): Promise<void> {
  await fillDataset(store, datasetId, vectors.length, change);
  const { samples, datasets } = collectionsOf(store);
  await datasets.updateOne(
    { _id: datasetId },
    {
      $push: {
        models: {
          key: modelKey,
          name: modelKey.split('@')[0] as string,
          revision: modelKey.split('@')[1] as string,
          dim,
          vectors: vectors.length,
          last_modified_at: new Date(),
          completed_at: new Date(),
        },
      },
    },
  );
  const ofDataset = samples.find({ dataset_id: datasetId }).sort({ seq: 1 });
  let batch: { sample: SampleDocument; vector: Float32Array }[] = [];
  for await (const sample of ofDataset) {
    batch.push({ sample, vector: vectors[sample.seq] as Float32Array });
    if (batch.length < 5000) continue;
    await insertVectors(store, { datasetId, modelKey, dim }, batch);
    batch = [];
  }
  await insertVectors(store, { datasetId, modelKey, dim }, batch);
}

async function insertVectors(
  store: Store,
  { datasetId, modelKey, dim }: SearchedSet,
  batch: readonly { sample: SampleDocument; vector: Float32Array }[],
): Promise<void> {
  if (batch.length === 0) return;
  await collectionsOf(store).embeddings.insertMany(
    batch.map(({ sample, vector }) => ({
      _id: new ObjectId(),
      dataset_id: datasetId,
      seq: sample.seq,
      sample_id: sample._id,
      model_key: modelKey,
      dim,
      vector: Binary.fromFloat32Array(vector),
      content: `content-${sample.seq}`,
      version: versionOf(sample),
      written: new Timestamp({ t: 0, i: 0 }),
    })),
    { ordered: false },
  );
}
