import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collectionsOf } from '../../core/store/collections.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { fillDataset } from './support/fill.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

let bench: Workbench;
let api: TestApi;

/** Two datasets were made at the same time. */
const MADE: Record<string, number> = { a: 3, b: 1, c: 1, d: 2, e: 5 };

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  for (const [name, day] of Object.entries(MADE)) {
    await fillDataset(bench.store, name, 0);
    const created_at = new Date(Date.UTC(2026, 0, day));
    await collectionsOf(bench.store).datasets.updateOne({ _id: name }, { $set: { created_at } });
  }
  await fillDataset(bench.store, 'samples', 7000, (seq) => (seq % 1000 === 5 ? { tags: ['few'] } : {}));
  api = await openTestApi(bench.store, { taskQueue: 'nobody' });
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

const page = async (query: string) => {
  const { json } = await api.get(`/api/datasets?${query}`);
  const names = json.datasets.map(({ dataset }: { dataset: string }) => dataset).filter((name: string) => name in MADE);
  return { names: names.join(''), next: json.next };
};

describe('datasets in pages', () => {
  test.each([
    ['name', 'abcde'],
    ['-name', 'edcba'],
    ['created_at', 'bcdae'],
    ['-created_at', 'eadcb'],
    ['last_modified_at', 'abcde'],
  ])('by %s', async (sort, expected) => {
    let all = '';
    let cursor: string | null = null;
    do {
      const { names, next }: Awaited<ReturnType<typeof page>> = await page(
        `limit=2&sort=${sort}${cursor === null ? '' : `&cursor=${cursor}`}`,
      );
      all += names;
      cursor = next;
    } while (cursor !== null);
    expect(all).toBe(expected);
  });

  test('a dataset that is deleted or new moves none to another page', async () => {
    const { next } = await page('limit=3');
    await collectionsOf(bench.store).datasets.deleteOne({ _id: 'c' });
    await fillDataset(bench.store, 'aa', 0);

    expect((await page(`cursor=${next}`)).names).toBe('de');
  });

  test('a cursor is refused with another sort', async () => {
    const { next } = await page('limit=1');
    for (const query of [`cursor=${next}&sort=-name`, 'cursor=made-up', `cursor=${next}&sort=created_at`])
      expect((await api.get(`/api/datasets?${query}`)).json).toMatchObject({
        code: 'InvalidParameter',
        errors: [{ field: 'cursor' }],
      });
  });
});

test('samples are listed from the newest, also those that a filter finds', async () => {
  const seqs = async (query: string) => {
    const found: number[] = [];
    let after: number | null = null;
    do {
      const { json }: Awaited<ReturnType<TestApi['get']>> = await api.get(
        `/api/datasets/samples/samples?sort=-seq&${query}${after === null ? '' : `&after=${after}`}`,
      );
      found.push(...json.samples.map(({ seq }: { seq: number }) => seq));
      after = json.next;
    } while (after !== null);
    return found;
  };
  expect(await seqs('tag=few&limit=3')).toEqual([6005, 5005, 4005, 3005, 2005, 1005, 5]);
  // It is looked for in 5,000 samples a request.
  expect(await seqs('q=img-0000003&limit=3')).toEqual([3]);
  expect((await seqs('limit=1000')).length).toBe(7000);
});
