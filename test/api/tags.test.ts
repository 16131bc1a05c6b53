import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countTags } from '../../api/datasets/count-tags.ts';
import { keepForAWhile } from '../../api/datasets/keep.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { fillDataset } from './support/fill.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

let bench: Workbench;
let api: TestApi;

/** Tags in the order of their bytes, which differs from that of JavaScript's strings. */
const ODD = ['a', 'b', '\uffee', '\u{1f40b}', ' ', 'Z'];

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  await fillDataset(bench.store, 'photos', 600, (seq) => ({
    tags: [...ODD.filter((_, i) => seq % (i + 1) === 0), ...(seq === 7 ? ['rare'] : [])],
  }));
  await fillDataset(bench.store, 'others', 10, () => ({ tags: ['a'] }));
  await fillDataset(bench.store, 'many', 1300, (seq) => ({ tags: [`t${seq}`, ...(seq < 5 ? ['zz'] : [])] }));
  const odd = (seq: number) => (seq < 2 ? { tags: ['zz', null, 5, { a: 1 }] as unknown as string[] } : {});
  await fillDataset(bench.store, 'few', 3, odd);
  await fillDataset(bench.store, 'over', 1300, (seq) => ({ tags: [`t${seq}`], ...odd(seq) }));
  api = await openTestApi(bench.store);
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

describe('the tags of a dataset', () => {
  test('are counted each, whatever its letters, the most used first', async () => {
    const { json } = await api.get('/api/datasets/photos/tags');
    expect(json.tags).toEqual([
      ...ODD.map((tag, i) => ({ tag, samples: Math.ceil(600 / (i + 1)) })),
      { tag: 'rare', samples: 1 },
    ]);
  });

  test('are counted anew once some were tagged, however lately they were counted', async () => {
    const tags = ['one', 'two', 'three'];
    for (const tag of tags) {
      await api.post('/api/datasets/others/tags', { add: [tag], seqs: [1] });
      const { json } = await api.get('/api/datasets/others/tags');
      expect(json.tags).toContainEqual({ tag, samples: 1 });
    }
    await api.post('/api/datasets/others/tags', { remove: tags, seqs: [1] });
  });

  test('are cut after a thousand, and still the most used come first', async () => {
    const { json } = await api.get('/api/datasets/many/tags');
    expect(json.tags).toHaveLength(1000);
    expect(json.tags[0]).toEqual({ tag: 'zz', samples: 5 });
  });

  test('are texts: what begins like an expression of MongoDB is kept as it was given, and taken away again', async () => {
    const add = ['$', '$100', '$filepath', '$$ROOT', '$$x', '$a.'];
    const tags = () => api.get('/api/datasets/others/samples/4').then(({ json }) => json.sample.tags.toSorted());
    expect((await api.post('/api/datasets/others/tags', { add, seqs: [4] })).json).toMatchObject({ modified: 1 });
    expect(await tags()).toEqual([...add, 'a'].toSorted());
    const { json } = await api.get('/api/datasets/others/tags');
    expect(json.tags).toEqual([{ tag: 'a', samples: 10 }, ...add.toSorted().map((tag) => ({ tag, samples: 1 }))]);
    await api.post('/api/datasets/others/tags', { remove: add, seqs: [4] });
    expect(await tags()).toEqual(['a']);
  });

  test.each(['few', 'over'])(
    'are counted also where another program has written what is no text: %s',
    async (dataset) => {
      // Counting has ten seconds, which a busy machine may exceed. The answer then says to ask again.
      const first = async () => (await api.get(`/api/datasets/${dataset}/tags`)).json.tags?.[0];
      await expect.poll(first).toEqual({ tag: 'zz', samples: 2 });
    },
  );

  test('that can not be counted in time have a code of their own', async () => {
    await expect(countTags(bench.store, 'photos', { withinMs: 0 })).rejects.toMatchObject({
      code: 'TooSlow',
      status: 503,
      headers: { 'Retry-After': '30' },
    });
  });
});

describe('an answer that was slow', () => {
  test('is kept for as long as it took several times over, and shared by who asks meanwhile', async () => {
    let nowMs = 0;
    let asked = 0;
    const kept = keepForAWhile(
      async () => {
        asked += 1;
        nowMs += 1000;
        return asked;
      },
      () => nowMs,
    );
    expect(await Promise.all([kept('a'), kept('a')])).toEqual([1, 1]);
    nowMs += 4000;
    expect(await kept('a')).toBe(1);
    nowMs += 2000;
    expect(await kept('a')).toBe(2);
  });

  test('is made anew once it is out of date, also by who was asking already', async () => {
    const making = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    let asked = 0;
    const kept = keepForAWhile(async () => making[asked++]?.promise);
    const before = kept('a');
    kept.forget('a');
    const after = kept('a');
    making[1]?.resolve('with the new tag');
    making[0]?.resolve('without it');
    expect(await Promise.all([before, after, kept('a')])).toEqual([
      'without it',
      'with the new tag',
      'with the new tag',
    ]);
  });

  test('and failed is not asked for again at once', async () => {
    let nowMs = 0;
    let asked = 0;
    const kept = keepForAWhile(
      async () => {
        asked += 1;
        nowMs += 10_000;
        throw new Error('too slow');
      },
      () => nowMs,
    );
    await expect(kept('a')).rejects.toThrow('too slow');
    await expect(kept('a')).rejects.toThrow('too slow');
    expect(asked).toBe(1);
    nowMs += 31_000;
    await expect(kept('a')).rejects.toThrow('too slow');
    expect(asked).toBe(2);
  });
});
