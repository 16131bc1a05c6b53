import { afterAll, beforeAll, expect, test } from 'vitest';
import { childrenRunning } from '../../bench/peak-memory.ts';
import { clusteredVectors, fillWithVectors } from '../search/vectors.ts';
import { until } from '../support/patience.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const DIM = 8;

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
});
afterAll(() => bench?.stop());

const searchProcesses = () => childrenRunning(process.pid, 'search/child.ts');

test('a client searches with a process of its own, which ends with the client, and starts again', async () => {
  const dataset = bench.newDataset();
  const vectors = clusteredVectors(30, DIM);
  await fillWithVectors(bench.store, { datasetId: dataset, modelKey: 'm@000000000001', dim: DIM }, vectors);
  expect(await searchProcesses()).toEqual([]);
  for (let round = 0; round < 2; round += 1) {
    const [mine, another] = await Promise.all([
      bench.search({ dataset, vector: [...(vectors[3] as Float32Array)], limit: 1 }),
      bench.search({ dataset, sample: 3, limit: 29 }),
    ]);
    expect(mine.hits).toMatchObject([{ seq: 3, score: expect.closeTo(1, 5) }]);
    expect(another.hits).toHaveLength(29);
    expect(await searchProcesses()).toHaveLength(1);
    await bench.close();
    await until(async () => (await searchProcesses()).length === 0);
  }
});

test('a client that has not searched closes nothing, and says what a request lacks', async () => {
  await bench.close();
  await expect(bench.search({ dataset: 'nobody' })).rejects.toMatchObject({ code: 'InvalidInput' });
});
