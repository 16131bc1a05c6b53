import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { collectionsOf } from '../../core/store/collections.ts';
import { MAX_EXAMINED, searchSamples } from '../../core/store/search-samples.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { fillDataset } from './support/fill.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

const COUNT = 25_000;
const NAME = 'many';
let bench: Workbench;
let api: TestApi;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  api = await openTestApi(bench.store);
  await fillDataset(bench.store, NAME, COUNT, (seq) => ({
    ...(seq % 1000 === 7
      ? { tags: ['odd', 'pretty', ...(seq === 7 ? ['first'] : []), ...(seq === 24_007 ? ['last'] : [])] }
      : {}),
    ...(seq % 5000 === 3
      ? { status: 'failed', error: { code: 'decode_failed', message: 'torn', stage: 'indexing', at: new Date() } }
      : {}),
    ...(seq === COUNT - 1
      ? {
          filepath: '/srv/data/photos/Rare (one).PNG',
          metadata: {
            size_bytes: 5,
            mime_type: 'image/png',
            format: 'png',
            width: 9000,
            height: 10,
            num_channels: 4,
            orientation: 1,
          },
        }
      : {}),
  }));
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

const seqsOf = ({ json }: { json: { samples: { seq: number }[] } }) => json.samples.map(({ seq }) => seq);
const list = (query: string) => api.get(`/api/datasets/${NAME}/samples?${query}`);

/** All pages of a query. */
async function walk(query: string): Promise<number[]> {
  const seqs: number[] = [];
  let after = '';
  for (;;) {
    const page = await list(`${query}${after}`);
    seqs.push(...seqsOf(page));
    if (page.json.next === null) return seqs;
    after = `&after=${page.json.next}`;
  }
}

describe('pages', () => {
  test('go on behind the last number, also from the middle', async () => {
    const first = await list('limit=3');
    expect(seqsOf(first)).toEqual([0, 1, 2]);
    expect(seqsOf(await list(`limit=3&after=${first.json.next}`))).toEqual([3, 4, 5]);
    expect(seqsOf(await list('limit=2&after=20000'))).toEqual([20001, 20002]);
  });

  test('end with null', async () => {
    const last = await list(`limit=10&after=${COUNT - 3}`);
    expect(seqsOf(last)).toEqual([COUNT - 2, COUNT - 1]);
    expect(last.json.next).toBeNull();
  });
});

describe('filters', () => {
  const odd = Array.from({ length: 25 }, (_, i) => i * 1000 + 7);
  const failed = Array.from({ length: 5 }, (_, i) => i * 5000 + 3);

  test.each([
    ['tag=odd', odd],
    ['tag=odd&tag_free=1', undefined],
    ['status=failed', failed],
    ['error=any', failed],
    ['error=indexing', failed],
    ['error=decode_failed', failed],
    ['error=embedding', []],
    ['format=png', [COUNT - 1]],
    ['min_width=8000', [COUNT - 1]],
    ['max_height=100', [COUNT - 1]],
    ['max_bytes=1002', [0, 1, 2]],
    ['min_bytes=1005&max_bytes=1006', [5, 6]],
    ['q=rare', [COUNT - 1]],
    ['q=(ONE).p', [COUNT - 1]],
    ['q=img-0000012', [12]],
    ['path_prefix=photos/Rare', [COUNT - 1]],
    ['path_prefix=/srv/data/photos/Rare', [COUNT - 1]],
    ['path_prefix=photos/3/img-000001', [13]],
    ['path_prefix=elsewhere/', []],
    ['tag=odd&max_bytes=3000', [7, 1007]],
    ['tag=odd&status=failed', []],
    ['tags_all=odd&tags_all=first', [7]],
    ['tags_any=first&tags_any=last', [7, 24_007]],
    ['tags_any=odd&tags_none=first&max_bytes=3000', [1007]],
    ['tags_all=odd&tags_none=odd', []],
    ['tags_none=odd&max_bytes=1002', [0, 1, 2]],
    ['tags_any=odd&path_prefix=photos/7/&tags_all=last', [24_007]],
    ['path_prefix=photos/7/&error=any', []],
  ])('%s', async (query, seqs) => {
    if (seqs === undefined) return expect((await list(query)).status).toBe(400);
    expect(await walk(`${query}&limit=20`)).toEqual(seqs);
  });

  test('free text never finds what is above the source', async () => {
    expect(await walk('q=srv&limit=1')).toEqual([]);
    expect(await walk('q=data&limit=1')).toEqual([]);
    expect((await list('q=photos&limit=1')).json.samples).toHaveLength(1);
  });

  test.each([
    ['sort=-seq&tag=odd', [...odd].reverse()],
    ['sort=size&tag=odd', odd],
    ['sort=-size&tag=odd', [...odd].reverse()],
    ['sort=path&status=failed', failed],
    ['sort=-path&status=failed', [...failed].reverse()],
    ['sort=date&status=failed', failed],
    ['sort=-date&max_bytes=1002', [2, 1, 0]],
  ])('in another order: %s', async (query, seqs) => {
    expect(await walk(`${query}&limit=2`)).toEqual(seqs);
  });

  test('a rare thing costs a bounded look at a time', async () => {
    const page = await list('min_width=8000&limit=5');
    expect(page.json.samples).toEqual([]);
    expect(page.json.next).toBe(MAX_EXAMINED - 1);
  });

  test('of one kind are answered by an index alone', async () => {
    const { store } = bench;
    const { samples } = collectionsOf(store);
    const find = samples.find.bind(samples) as typeof samples.find;
    const plans: Promise<Document>[] = [];
    const asked = vi.spyOn(samples, 'find').mockImplementation((...args: unknown[]) => {
      const cursor = () => find(...(args as Parameters<typeof find>));
      plans.push(cursor().explain('executionStats'));
      return cursor();
    });
    onTestFinished(() => asked.mockRestore());
    const kinds = [{}, { tag: 'odd' }, { status: 'indexed' as const }, { equal: { format: 'jpeg' } }, { error: 'any' }];
    for (const filter of kinds) {
      plans.length = 0;
      await searchSamples(store, { datasetId: NAME, filter, from: 1000, limit: 10, nextSeq: COUNT });
      const { executionStats } = (await plans[0]) as Document;
      expect(JSON.stringify(executionStats), JSON.stringify(filter)).not.toMatch(/COLLSCAN|"stage":"SORT"/);
      expect(executionStats.totalDocsExamined, JSON.stringify(filter)).toBeLessThanOrEqual(11);
    }
  });
});

describe('neighbours', () => {
  test('of all samples, and of those that pass a filter', async () => {
    const of = async (seq: number, query = '') => {
      const { json } = await api.get(`/api/datasets/${NAME}/samples/${seq}/neighbors${query}`);
      return [json.previous?.seq ?? null, json.next?.seq ?? null];
    };
    expect(await of(0)).toEqual([null, 1]);
    expect(await of(12)).toEqual([11, 13]);
    expect(await of(COUNT - 1)).toEqual([COUNT - 2, null]);
    expect(await of(1500, '?tag=odd')).toEqual([1007, 2007]);
    expect(await of(100, '?format=png')).toEqual([null, COUNT - 1]);
    expect(await of(2_147_483_647, '?max_bytes=1005')).toEqual([5, null]);
    expect(await of(100, '?min_width=8000')).toEqual([null, COUNT - 1]);
  });
});

describe('tagging', () => {
  test('many by number, and again without a change', async () => {
    const body = { add: ['cat', 'dog'], remove: ['none'], seqs: [1, 2, 3, 24_998, 2_000_000] };
    expect((await api.post(`/api/datasets/${NAME}/tags`, body)).json).toEqual({ matched: 4, modified: 4, next: null });
    expect((await api.post(`/api/datasets/${NAME}/tags`, body)).json).toEqual({ matched: 4, modified: 0, next: null });
    expect(await walk('tag=dog&limit=2')).toEqual([1, 2, 3, 24_998]);
    const { json } = await api.get(`/api/datasets/${NAME}/tags`);
    expect(json.tags).toEqual([
      { tag: 'odd', samples: 25 },
      { tag: 'pretty', samples: 25 },
      { tag: 'cat', samples: 4 },
      { tag: 'dog', samples: 4 },
      { tag: 'first', samples: 1 },
      { tag: 'last', samples: 1 },
    ]);
    await api.post(`/api/datasets/${NAME}/tags`, { remove: ['cat', 'dog'], seqs: [1, 2, 3, 24_998] });
    expect(await walk('tag=dog')).toEqual([]);
  });

  test('all that pass a filter, some at a time', async () => {
    let after: number | null | undefined;
    let modified = 0;
    while (after !== null) {
      const { json } = await api.post(`/api/datasets/${NAME}/tags`, {
        add: ['seven'],
        filter: { path_prefix: 'photos/7/' },
        ...(after === undefined ? {} : { after }),
      });
      modified += json.modified;
      after = json.next;
    }
    expect(modified).toBe(2500);
    expect((await list('tag=seven&limit=1000')).json.samples).toHaveLength(1000);
  });
});
