import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { countBelow, forgetSource } from '../../core/deleting/forget-source.ts';
import { recordJob } from '../../core/jobs/begin.ts';
import { endJob } from '../../core/jobs/phases.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { openStore } from '../../core/store/open.ts';
import { prepareDatabase } from '../../core/store/prepare.ts';
import type { Store } from '../../core/store/store.ts';

const GONE = '/gone';
const { signal } = new AbortController();
const unwatched = { onStep: () => undefined, signal };

let store: Store;

beforeAll(async () => {
  const uri = new URL(inject('mongodbUri'));
  uri.pathname = `/test-forget-${randomUUID().slice(0, 8)}`;
  store = openStore(uri.href);
  await prepareDatabase(store);
});
afterAll(async () => {
  await store.client.db(store.database).dropDatabase();
  await store.close();
});

/** A dataset with samples of these paths, each with a vector of two models, and a job that is to forget a folder. */
async function openDataset(sources: readonly string[], paths: readonly string[]) {
  const [datasetId, jobId] = [`dataset-${randomUUID().slice(0, 8)}`, randomUUID()];
  const { datasets, samples } = collectionsOf(store);
  await datasets.insertOne({ _id: datasetId, sources, models: [{ key: 'a@1', vectors: paths.length }] } as never);
  await samples.insertMany(
    paths.map((filepath, seq) => ({ dataset_id: datasetId, seq, filepath, part: 0, status: 'indexed' }) as never),
  );
  for (const model of ['a@1', 'b@1']) await makeVectors(datasetId, [...paths.keys()], model);
  await recordJob(store, { jobId, workflowId: '', kind: 'forget', datasetId, request: {}, embeds: false });
  return { datasetId, jobId };
}

const makeVectors = (datasetId: string, seqs: number[], model_key: string) =>
  collectionsOf(store).embeddings.insertMany(seqs.map((seq) => ({ dataset_id: datasetId, seq, model_key }) as never));

const seqsIn = async (collection: 'samples' | 'embeddings', datasetId: string) => {
  const found = await collectionsOf(store)[collection].distinct('seq', { dataset_id: datasetId });
  return (found as number[]).sort((a, b) => a - b);
};
const datasetOf = (datasetId: string) => collectionsOf(store).datasets.findOne({ _id: datasetId });

describe('a forget', () => {
  it('that was broken off is ended by the next attempt, with exact counts and no late vector', async () => {
    const gone = Array.from({ length: 4500 }, (_, i) => `${GONE}/${i}`);
    const beside = ['/gone', '/gone-1/a', '/gone0', '/kept/a'];
    const { datasetId, jobId } = await openDataset([GONE, '/kept', `${GONE}/below`], [...gone, ...beside]);
    expect(await countBelow(store, { datasetId, folder: GONE })).toEqual({ samples: 4500, vectors: 9000 });
    const request = { jobId, datasetId, folder: GONE };

    const stop = new AbortController();
    const onStep = () => stop.abort(new Error('killed'));
    await expect(forgetSource(store, { ...request, onStep, signal: stop.signal })).rejects.toThrow('killed');
    expect(await seqsIn('samples', datasetId)).toHaveLength(2504);
    // While it is a source, the forget can be started again.
    expect((await datasetOf(datasetId))?.sources).toContain(GONE);
    // An embedding beside it was late.
    await makeVectors(datasetId, [0], 'late@1');

    const removed = await forgetSource(store, { ...request, ...unwatched });

    expect(removed).toEqual({ samples: 4500, vectors: 9000 });
    for (const collection of ['samples', 'embeddings'] as const)
      expect(await seqsIn(collection, datasetId)).toEqual([4500, 4501, 4502, 4503]);
    expect(await datasetOf(datasetId)).toMatchObject({
      sources: ['/kept'],
      counts: { total: 4, indexed: 4 },
      models: [{ key: 'a@1', vectors: 4 }],
    });
  });

  it('of a folder below a source leaves the source', async () => {
    const { datasetId, jobId } = await openDataset(['/data'], ['/data/a/1', '/data/b/1']);

    await forgetSource(store, { jobId, datasetId, folder: '/data/a', ...unwatched });

    expect(await seqsIn('samples', datasetId)).toEqual([1]);
    expect((await datasetOf(datasetId))?.sources).toEqual(['/data']);
  });

  it('removes nothing once its job is over', async () => {
    const { datasetId, jobId } = await openDataset([GONE], [`${GONE}/a`]);
    await endJob(store, jobId, 'canceled');

    const late = forgetSource(store, { jobId, datasetId, folder: GONE, ...unwatched });

    await expect(late).rejects.toMatchObject({ code: 'Superseded' });
    expect(await seqsIn('samples', datasetId)).toEqual([0]);
    expect((await datasetOf(datasetId))?.sources).toEqual([GONE]);
  });
});
