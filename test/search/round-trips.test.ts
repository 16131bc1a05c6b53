import type { CommandStartedEvent } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SearchedSet } from '../../core/search/finder.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { openTestApi, type TestApi, uriOf } from '../api/support/open-api.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { clusteredVectors, fillWithVectors } from './vectors.ts';

const DIM = 16;
const COUNT = 3000;
const vectors = clusteredVectors(COUNT, DIM);
const [query] = clusteredVectors(1, DIM, 2) as [Float32Array];

let bench: Workbench;
let api: TestApi;
let set: SearchedSet;
const sent: string[] = [];

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  set = { datasetId: bench.newDataset(), modelKey: 'm@000000000001', dim: DIM };
  await fillWithVectors(bench.store, set, vectors, (seq) => ({
    tags: [...(seq % 1000 === 5 ? ['rare'] : []), ...(seq % 10 === 5 ? ['tenth'] : [])],
  }));
  await serve(set.modelKey);
  const uri = new URL(uriOf(bench.store));
  uri.searchParams.set('monitorCommands', 'true');
  api = await openTestApi(bench.store, { mongodbUri: uri.href });
  api.context.backends.client.store.client.on('commandStarted', ({ command, commandName }: CommandStartedEvent) => {
    const collection = command.collection ?? command[commandName];
    if (['datasets', 'embeddings', 'samples', 'meta'].includes(collection)) sent.push(`${commandName} ${collection}`);
  });
});
afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

const serve = (modelKey: string) =>
  collectionsOf(bench.store).datasets.updateOne({ _id: set.datasetId }, { $set: { serving: modelKey } });

/** The commands of a search whose vectors are in memory already. */
async function commandsOf(body: object): Promise<string[]> {
  const search = () => api.post(`/api/datasets/${set.datasetId}/search`, { limit: 10, ...body });
  await search();
  sent.length = 0;
  const { status, json } = await search();
  expect([status, json.hits.length > 0]).toEqual([200, true]);
  return sent;
}

/** The dataset, what was written lately, the vectors and the samples of candidates, and the samples to present. */
const PLAIN = 5;

describe('a search sends no more commands to MongoDB than it needs:', () => {
  it.each<[string, number, () => object]>([
    ['by a vector', PLAIN, () => ({ vector: [...query] })],
    ['by a sample, which it reads with its vector', PLAIN + 2, () => ({ sample: 7 })],
    [
      'with a filter that few match, whose seqs it reads',
      PLAIN + 1,
      () => ({
        vector: [...query],
        filter: { tag: 'rare' },
      }),
    ],
    [
      'with a filter that a tenth matches, whose seqs it reads in two parts',
      PLAIN + 2,
      () => ({
        vector: [...query],
        filter: { tag: 'tenth' },
      }),
    ],
    [
      'with a filter that all match, of which it reads the first',
      PLAIN + 1,
      () => ({
        vector: [...query],
        filter: { status: 'indexed' },
      }),
    ],
  ])('%s', async (_, most, body) => {
    const commands = await commandsOf(body());
    expect(commands.length, commands.join(', ')).toBeLessThanOrEqual(most);
    expect(commands.length).toBeGreaterThan(0);
  });

  it('one more where the record of the dataset names no model that serves', async () => {
    await serve('');
    const commands = await commandsOf({ vector: [...query] });
    await serve(set.modelKey);
    expect(commands.length, commands.join(', ')).toBeLessThanOrEqual(PLAIN + 1);
  });
});
