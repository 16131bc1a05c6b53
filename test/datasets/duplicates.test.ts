import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SearchedSet } from '../../core/search/finder.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { clusteredVectors, fillWithVectors, randomNumbers, unit } from '../search/vectors.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const DIM = 64;

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
});
afterAll(() => bench?.stop());

const newSet = (): SearchedSet => ({ datasetId: bench.newDataset(), modelKey: 'm@000000000001', dim: DIM });

/** Vectors far from each other, and near ones of some of them: `copies` says of which seqs. */
function vectorsWithCopies(count: number, copies: readonly number[]): Float32Array[] {
  const random = randomNumbers(7);
  const originals = clusteredVectors(count, DIM);
  const near = copies.map((of) =>
    unit((originals[of] as Float32Array).map((element) => element + (random() - 0.5) * 0.02)),
  );
  return [...originals, ...near];
}

const find = async (dataset: string, more: object = {}) =>
  bench.wait((await bench.findDuplicates({ dataset, threshold: 0.98, ...more })).job_id);

const groupsOf = async (dataset: string, more: object = {}) => {
  const { groups } = await bench.duplicates(dataset, { limit: 200, ...more });
  return groups.map(({ members }) => members.map(({ sample }) => sample.seq).sort((a, b) => a - b));
};

describe('a search for duplicates', () => {
  it('groups near vectors, largest first, and publishes them with what it did', async () => {
    const set = newSet();
    await fillWithVectors(bench.store, set, vectorsWithCopies(1000, [5, 5, 17]));
    const status = await find(set.datasetId);
    expect(status).toMatchObject({
      kind: 'duplicates',
      state: 'completed',
      compared: { samples: 1003, total: 1003, groups: 2 },
    });
    expect(await groupsOf(set.datasetId)).toEqual([
      [5, 1000, 1001],
      [17, 1002],
    ]);
    const { run, groups } = await bench.duplicates(set.datasetId, { limit: 1 });
    expect(run).toMatchObject({
      job_id: status.job_id,
      model_key: set.modelKey,
      threshold: 0.98,
      exact: true,
      groups: 2,
      samples: 5,
    });
    expect(groups[0]).toMatchObject({ group: 1, kind: 'near', size: 3 });
    expect(await collectionsOf(bench.store).progress.countDocuments({ job_id: status.job_id })).toBe(0);
  });
});
