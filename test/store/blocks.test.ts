import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { indexPage } from '../../core/indexing/index-page.ts';
import { pageFileOf, writePage } from '../../core/indexing/write-page.ts';
import { memorySource } from '../../core/sources/memory/memory-source.ts';
import { createSources } from '../../core/sources/source.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { openDataset } from '../../core/store/datasets.ts';
import type { ProgressDocument, SeqBlock } from '../../core/store/documents.ts';
import { openStore } from '../../core/store/open.ts';
import { prepareDatabase } from '../../core/store/prepare.ts';
import { findProgress, takeBlock } from '../../core/store/progress.ts';
import type { Store } from '../../core/store/store.ts';
import { contentOfLine, linesMedium } from '../support/lines-medium.ts';

const medium = linesMedium();
const { signal } = new AbortController();

let store: Store;

beforeAll(async () => {
  const uri = new URL(inject('mongodbUri'));
  uri.pathname = `/test-blocks-${randomUUID().slice(0, 8)}`;
  store = openStore(uri.href);
  await prepareDatabase(store);
});
afterAll(async () => {
  await store.client.db(store.database).dropDatabase();
  await store.close();
});

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** A page of a load that is listed and not indexed, of files of so many lines each. */
async function openPage(linesOfFiles: readonly number[]) {
  const id = randomUUID().slice(0, 8);
  const [datasetId, jobId] = [`dataset-${id}`, `job-${id}`];
  const source = memorySource();
  const sources = createSources([source]);
  const root = `memory:/${id}`;
  const pathOf = (n: number) => `${root}/${String(n).padStart(5, '0')}.lines`;
  const put = (n: number, lines: readonly string[]) =>
    source.put(pathOf(n), new TextEncoder().encode(lines.join('\n')));
  const linesOf = (n: number) => range(0, linesOfFiles[n] as number).map((line) => `${id}, file ${n}, line ${line}`);

  await openDataset(store, { datasetId, mediaType: medium.name, source: root, jobId });
  const files = linesOfFiles.map((_, n) => {
    put(n, linesOf(n));
    return pageFileOf({ path: pathOf(n) }, { size: 1, mtimeNs: 1n, fingerprint: 'first' }, false);
  });
  await writePage(store, {
    jobId,
    n: 0,
    upto: pathOf(files.length),
    last: true,
    files,
    gone: [],
    unchanged: 0,
    outcomes: {},
    unreadable: [],
    outside: [],
  });
  const count = { jobId, phase: 'indexing', chunk: 0 } as const;
  const page = { ...count, opened: ((await findProgress(store, count)) as ProgressDocument).opened };
  return {
    page,
    datasetId,
    jobId,
    put,
    linesOf,
    take: (block: { batch: number; count: number; known: number }) => takeBlock(store, page, datasetId, block),
    index: () =>
      indexPage(store, { medium, sources }, { jobId, datasetId, page: 0, onWrite() {}, onRead() {}, signal }),
    samples: () =>
      collectionsOf(store).samples.find({ dataset_id: datasetId }).sort({ filepath: 1, part: 1 }).toArray(),
    blocks: async (): Promise<SeqBlock[] | undefined> =>
      (await collectionsOf(store).progress.findOne({ job_id: jobId }))?.blocks,
    nextSeq: async () => (await collectionsOf(store).datasets.findOne({ _id: datasetId }))?.next_seq,
  };
}

type Page = Awaited<ReturnType<typeof openPage>>;

const seqsOf = async ({ samples }: Page) => (await samples()).map(({ seq }) => seq);

describe('a block of numbers', () => {
  it('is taken by one of several attempts at a page; the others are told, and no number is lost', async () => {
    const page = await openPage([5]);

    const taken = await Promise.all(range(0, 6).map(() => page.take({ batch: 0, count: 5, known: 0 })));

    const block = { batch: 0, base: 0, count: 5 };
    expect(taken.filter((one) => one !== false)).toEqual([block]);
    expect(await page.blocks()).toEqual([block]);
    expect(await page.nextSeq()).toBe(5);
  });

  it('is not taken by an attempt that has not seen the last one', async () => {
    const page = await openPage([5]);
    await page.take({ batch: 0, count: 2, known: 0 });
    await page.take({ batch: 1, count: 2, known: 1 });

    expect(await page.take({ batch: 0, count: 3, known: 1 })).toBe(false);
    expect(await page.nextSeq()).toBe(4);
    expect(await page.take({ batch: 0, count: 3, known: 2 })).toEqual({ batch: 0, base: 4, count: 3 });
  });

  it('overlaps with none of the pages beside it', async () => {
    const first = await openPage([1]);
    const { datasetId } = first;
    const pages = range(1, 6).map((chunk) => ({ ...first.page, chunk }));
    await collectionsOf(store).progress.insertMany(
      pages.map(({ jobId, phase, chunk, opened }) => {
        return { _id: `${jobId}/${phase}/${chunk}`, job_id: jobId, phase, done: 0, failed: 0, total: 0, opened };
      }),
    );

    const blocks = await Promise.all(
      pages.map((page, i) => takeBlock(store, page, datasetId, { batch: 0, count: i + 1, known: 0 })),
    );

    const numbers = blocks.flatMap((block) => (block === false ? [] : range(block.base, block.base + block.count)));
    expect(numbers.sort((a, b) => a - b)).toEqual(range(0, 15));
    expect(await first.nextSeq()).toBe(15);
  });

  it('is not to be had for a dataset that is gone, nor for a page that is: nothing is noted', async () => {
    const withoutDataset = await openPage([1]);
    await collectionsOf(store).datasets.deleteOne({ _id: withoutDataset.datasetId });
    expect(await withoutDataset.take({ batch: 0, count: 1, known: 0 })).toBe(false);
    expect(await withoutDataset.blocks()).toBeUndefined();

    const withoutPage = await openPage([1]);
    await collectionsOf(store).progress.deleteOne({ job_id: withoutPage.jobId });
    expect(await withoutPage.take({ batch: 0, count: 1, known: 0 })).toBe(false);
    expect(await withoutPage.nextSeq()).toBe(0);
  });
});

describe('indexing a page', () => {
  it('takes as many numbers as it has samples, in one block, and none when it is done again', async () => {
    const page = await openPage([3, 1, 4]);
    await page.index();
    const once = await page.samples();

    await page.index();

    expect(await seqsOf(page)).toEqual(range(0, 8));
    expect(await page.blocks()).toEqual([{ batch: 0, base: 0, count: 8 }]);
    expect(await page.nextSeq()).toBe(8);
    expect((await page.samples()).map(({ _id, seq }) => [_id, seq])).toEqual(once.map(({ _id, seq }) => [_id, seq]));
  });

  it('uses the numbers of an attempt that crashed before it wrote a sample', async () => {
    const page = await openPage([3, 2]);
    await page.take({ batch: 0, count: 5, known: 0 });

    await page.index();

    expect(await seqsOf(page)).toEqual(range(0, 5));
    expect(await page.nextSeq()).toBe(5);
    expect(await page.blocks()).toHaveLength(1);
  });

  it('uses what is left of them where the attempt had written some', async () => {
    const page = await openPage([4, 4]);
    await page.index();
    const before = await page.samples();
    await collectionsOf(store).samples.deleteMany({ dataset_id: page.datasetId, seq: { $in: [1, 3, 6] } });

    await page.index();

    const after = await page.samples();
    expect(after.map(({ seq, part }) => [seq, part])).toEqual(before.map(({ seq, part }) => [seq, part]));
    expect(await page.nextSeq()).toBe(8);
    const survived = (seq: number) => ![1, 3, 6].includes(seq);
    expect(after.filter(({ seq }) => survived(seq)).map(({ _id }) => _id)).toEqual(
      before.filter(({ seq }) => survived(seq)).map(({ _id }) => _id),
    );
  });

  it('takes only what it lacks where the file has grown since', async () => {
    const page = await openPage([3]);
    await page.take({ batch: 0, count: 3, known: 0 });
    page.put(0, [...page.linesOf(0), 'fourth', 'fifth']);

    await page.index();

    expect(await seqsOf(page)).toEqual(range(0, 5));
    expect(await page.blocks()).toEqual([
      { batch: 0, base: 0, count: 3 },
      { batch: 0, base: 3, count: 2 },
    ]);
    expect(await page.nextSeq()).toBe(5);
  });

  it('keeps the numbers of a later batch for that batch', async () => {
    const page = await openPage(Array(1002).fill(1));
    await page.take({ batch: 1, count: 2, known: 0 });

    await page.index();

    expect(await seqsOf(page)).toEqual([...range(2, 1002), 0, 1]);
    expect(await page.nextSeq()).toBe(1002);
  });

  it('comes to the same where two attempts run at once: each line is one sample, and its number its own', async () => {
    const page = await openPage([20, 20]);

    // One may find that the other was faster, and leave it to its next attempt.
    await Promise.allSettled([page.index(), page.index()]);
    await page.index();

    const samples = await page.samples();
    expect(samples.map(({ content }) => content)).toEqual([...page.linesOf(0), ...page.linesOf(1)].map(contentOfLine));
    expect(new Set(samples.map(({ seq }) => seq)).size).toBe(40);
  });

  it.each([
    ['job has ended', 'progress', 'Superseded'],
    ['dataset was deleted', 'datasets', 'DatasetNotFound'],
  ] as const)('writes nothing when its %s', async (_, collection, code) => {
    const page = await openPage([3]);
    const { progress, datasets } = collectionsOf(store);
    if (collection === 'progress') await progress.deleteMany({ job_id: page.jobId });
    else await datasets.deleteOne({ _id: page.datasetId });

    await expect(page.index()).rejects.toMatchObject({ code });

    expect(await page.samples()).toEqual([]);
    if (collection === 'progress') expect(await page.nextSeq()).toBe(0);
  });
});

describe('an attempt whose job ends between its write and its note', () => {
  const superseded = expect.objectContaining({ code: 'Superseded' });

  /** Runs `then` once the samples of a page are written. */
  async function indexLate(then: (page: Awaited<ReturnType<typeof openPage>>) => Promise<unknown>) {
    const page = await openPage([3, 2]);
    const { samples } = collectionsOf(store);
    const insertMany = samples.insertMany.bind(samples);
    const late = vi.spyOn(samples, 'insertMany');
    // Parts after the first are written before the first ones: the second write is the last.
    late.mockImplementationOnce(insertMany).mockImplementationOnce(async (...args) => {
      const result = await insertMany(...args);
      await collectionsOf(store).progress.deleteMany({ job_id: page.jobId });
      await then(page);
      return result;
    });
    try {
      await expect(page.index()).rejects.toEqual(superseded);
    } finally {
      late.mockRestore();
    }
    return page;
  }

  it('keeps the samples: another attempt, or the next load, may have counted them', async () => {
    const page = await indexLate(async () => undefined);
    expect(await page.samples()).toHaveLength(5);
  });

  it('removes them if the dataset is being deleted', async () => {
    const page = await indexLate(({ datasetId }) =>
      collectionsOf(store).datasets.updateOne(
        { _id: datasetId },
        { $set: { deleting: { job_id: 'd', at: new Date() } } },
      ),
    );
    expect(await page.samples()).toEqual([]);
  });

  it('removes them if the name is another dataset by now', async () => {
    const page = await indexLate(({ datasetId }) =>
      collectionsOf(store).datasets.updateOne({ _id: datasetId }, { $set: { created_at: new Date(0) } }),
    );
    expect(await page.samples()).toEqual([]);
  });
});

it('the first sample of a file is written last: a file that is half written does not look unchanged', async () => {
  const page = await openPage([3]);
  const { samples } = collectionsOf(store);
  const insertMany = samples.insertMany.bind(samples);
  const dying = vi.spyOn(samples, 'insertMany');
  dying.mockImplementationOnce(insertMany).mockRejectedValueOnce(new Error('the process died here'));
  await expect(page.index()).rejects.toThrow('died here');
  dying.mockRestore();
  expect((await page.samples()).map(({ part }) => part)).toEqual([1, 2]);
  await page.index();
  expect((await page.samples()).map(({ part, seq }) => [part, seq])).toEqual([
    [0, 0],
    [1, 1],
    [2, 2],
  ]);
});
