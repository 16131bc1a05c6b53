import { Binary, ObjectId, Timestamp } from 'mongodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { collectionsOf } from '../../core/store/collections.ts';
import { findVectorsByContent } from '../../core/store/embeddings.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
});
afterAll(() => bench?.stop());

it('reads one vector of content that very many samples have', async () => {
  const { store } = bench;
  const set = { datasetId: bench.newDataset(), modelKey: 'm@1' };
  const contents = Array.from({ length: 3000 }, (_, seq) => (seq < 2990 ? 'same' : `other-${seq}`));
  await collectionsOf(store).embeddings.insertMany(
    contents.map((content, seq) => ({
      _id: new ObjectId(),
      dataset_id: set.datasetId,
      seq,
      sample_id: new ObjectId(),
      model_key: set.modelKey,
      dim: 2,
      vector: Binary.fromFloat32Array(Float32Array.of(seq < 2990 ? 0 : seq, 1)),
      content,
      version: content,
      written: new Timestamp({ t: 0, i: 0 }),
    })),
  );
  const db = store.client.db(store.database);
  await db.setProfilingLevel('all');

  const found = await findVectorsByContent(store, set, ['same', 'other-2995', 'unknown']);

  await db.setProfilingLevel('off');
  expect(found).toEqual(
    new Map([
      ['same', Float32Array.of(0, 1)],
      ['other-2995', Float32Array.of(2995, 1)],
    ]),
  );
  const [read] = await db
    .collection('system.profile')
    .find({ ns: `${store.database}.embeddings` })
    .toArray();
  expect(read?.docsExamined).toBeLessThan(10);
});
