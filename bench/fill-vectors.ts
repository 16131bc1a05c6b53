import { Binary, ObjectId, Timestamp } from 'mongodb';
import { collectionsOf } from '../core/store/collections.ts';
import type { SampleDocument } from '../core/store/documents.ts';
import { versionOf } from '../core/store/sample-version.ts';
import type { Store } from '../core/store/store.ts';
import type { VectorSource } from './learned-vectors.ts';

export const MODEL_KEY = 'bench@000000000001';
const BATCH = 5000;

/** Writes a vector for each sample of a dataset that did not fail. `kept` gets each with its sample's number. */
export async function fillVectors(
  store: Store,
  { dataset, dim, source }: { dataset: string; dim: number; source: VectorSource },
  kept: (seq: number, vector: Float32Array) => void,
): Promise<number> {
  const { samples, embeddings, datasets } = collectionsOf(store);
  let vectors = 0;
  let batch: SampleDocument[] = [];
  const flush = async () => {
    if (batch.length === 0) return;
    await embeddings.insertMany(
      batch.map((sample) => {
        const vector = new Float32Array(dim);
        source(vector, 0);
        kept(sample.seq, vector);
        return {
          _id: new ObjectId(),
          dataset_id: dataset,
          seq: sample.seq,
          sample_id: sample._id,
          model_key: MODEL_KEY,
          dim,
          vector: Binary.fromFloat32Array(vector),
          content: `content-${sample.seq}`,
          version: versionOf(sample),
          written: new Timestamp({ t: 0, i: 0 }),
        };
      }),
      { ordered: false, writeConcern: { w: 1 } },
    );
    vectors += batch.length;
    batch = [];
  };
  for await (const sample of samples.find({ dataset_id: dataset, status: 'indexed' }).sort({ seq: 1 })) {
    if (batch.push(sample) === BATCH) await flush();
  }
  await flush();
  const now = new Date();
  const [name = '', revision = ''] = MODEL_KEY.split('@');
  const model = { key: MODEL_KEY, name, revision, dim, vectors, last_modified_at: now, completed_at: now };
  await datasets.updateOne({ _id: dataset }, { $push: { models: model }, $set: { serving: MODEL_KEY } });
  return vectors;
}
