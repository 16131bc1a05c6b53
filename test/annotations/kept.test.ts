/** What is unknown is not gone: annotations that can't be read, or that may mean others, take nothing away. */
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnnotationFiles } from '../../core/annotations/reading/annotation-files.ts';
import { annotationFiles } from '../../core/annotations/reading/annotation-files.ts';
import { stageAnnotations } from '../../core/annotations/stage.ts';
import { folderSource } from '../../core/sources/folder/folder-source.ts';
import { createSources } from '../../core/sources/source.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { searchSamples } from '../../core/store/search-samples.ts';
import { drawPicture, makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
});
afterAll(() => bench?.stop());

const labelsOf = async (dataset: string) => {
  const samples = collectionsOf(bench.store).samples.find({ dataset_id: dataset }).sort({ filepath: 1 });
  return (await samples.toArray()).map(({ annotations }) =>
    annotations?.ground_truth === undefined
      ? undefined
      : Object.values(annotations.ground_truth.sets).flatMap(({ objects }) => objects.map(({ label }) => label)),
  );
};

/** Three pictures with a YOLO label each, in a folder of its own for the last one. */
async function newYolo() {
  const dataset = bench.newDataset();
  const root = join(bench.folder, dataset);
  const source = join(root, 'images');
  const labels = join(root, 'labels');
  await mkdir(join(labels, 'more'), { recursive: true });
  await mkdir(join(source, 'more'), { recursive: true });
  for (const [n, name] of ['a', 'b', 'more/c'].entries()) {
    await writeFile(join(source, `${name}.jpg`), await drawPicture(n));
    await writeFile(join(labels, `${name}.txt`), `${n} 0.5 0.5 0.2 0.2\n`);
  }
  const load = () => bench.load({ dataset, source, embed: false, annotations: { paths: [root] } });
  expect((await load()).annotations).toMatchObject({ state: 'completed', matched: 3 });
  expect(await labelsOf(dataset)).toEqual([['0'], ['1'], ['2']]);
  return { dataset, root, source, labels, load };
}

describe('labels of yesterday stay', () => {
  // Root reads everything, whatever its mode.
  const isRoot = process.getuid?.() === 0;

  it.skipIf(isRoot)('where a file, or a folder of them, can not be read', async () => {
    const { dataset, labels, load } = await newYolo();
    await chmod(join(labels, 'a.txt'), 0);
    await chmod(join(labels, 'more'), 0);
    expect((await load()).annotations).toMatchObject({ invalid: { unreadable_file: 2 }, removed: 0 });
    expect(await labelsOf(dataset)).toEqual([['0'], ['1'], ['2']]);
    await chmod(join(labels, 'more'), 0o755);
  });

  it('where a file became a folder', async () => {
    const { dataset, labels, load } = await newYolo();
    await writeFile(join(labels, 'a.txt'), Buffer.from([0xff, 0xfe, 0x80]));
    await rm(join(labels, 'b.txt'));
    // Not UTF-8: what it says is unknown, so what is gone is not removed either.
    expect((await load()).annotations).toMatchObject({ removed: 0 });
    expect((await labelsOf(dataset)).slice(1)).toEqual([['1'], ['2']]);
  });

  it('where all of them are gone, as on a disk that is not there', async () => {
    const { dataset, root, labels, load } = await newYolo();
    await rename(labels, `${labels}-away`);
    await mkdir(labels);
    await writeFile(join(labels, 'classes.txt'), 'cat\n');
    await load();
    expect(await labelsOf(dataset)).toEqual([['0'], ['1'], ['2']]);
    expect(root).toBeDefined();
  });

  it('and go where one of several is gone', async () => {
    const { dataset, labels, load } = await newYolo();
    await rm(join(labels, 'b.txt'));
    expect((await load()).annotations).toMatchObject({ removed: 1 });
    expect(await labelsOf(dataset)).toEqual([['0'], undefined, ['2']]);
  });
});

describe('what nobody has named', () => {
  it('fails no load if it can not be read, and is said', async () => {
    const dataset = bench.newDataset();
    const source = join(bench.folder, dataset);
    await makePictures(join(source, 'images'), 2);
    await mkdir(join(source, 'labels'));
    await writeFile(join(source, 'data.yaml'), 'train: images\nnames: [cat]\n');
    // An outline or an oriented box: only a person can tell.
    await writeFile(join(source, 'labels', 'picture-000000.txt'), '0 0.1 0.1 0.9 0.1 0.9 0.9 0.1 0.9\n');
    const { state, annotations } = await bench.load({ dataset, source, embed: false });
    expect(state).toBe('completed');
    expect(annotations).toMatchObject({
      state: 'failed',
      found: true,
      error: { code: 'AnnotationsUnclear', message: expect.stringContaining('--task') },
    });
    // Whoever names them is asked.
    const named = await bench.load({ dataset, source, embed: false, annotations: { paths: [source] } });
    expect(named).toMatchObject({ state: 'failed', error: { code: 'AnnotationsUnclear' } });
  });

  it('fails no load if it may be several', async () => {
    const dataset = bench.newDataset();
    const source = join(bench.folder, dataset);
    await makePictures(source, 1);
    await writeFile(join(source, 'metadata.jsonl'), '{"file_name": "picture-000000.jpg", "label": "cat"}\n');
    await writeFile(join(source, 'data.yaml'), 'train: images\nnames: [cat]\n');
    const { state, job_id } = await bench.load({ dataset, source, embed: false });
    expect(state).toBe('completed');
    expect((await bench.status(job_id)).annotations).toMatchObject({
      state: 'failed',
      error: { code: 'AnnotationsUnclear' },
    });
  });
});

it('annotations of a load are those of its source, whatever else the dataset has', async () => {
  const dataset = bench.newDataset();
  const load = (source: string, file: string) =>
    bench.load({ dataset, source, embed: false, annotations: { paths: [file] } });
  const [first, second] = ['first', 'second'].map((name) => join(bench.folder, dataset, name)) as [string, string];
  await makePictures(first, 1);
  await makePictures(second, 1, { first: 5 });
  const write = async (name: string, lines: object[]) => {
    const path = join(bench.folder, dataset, name);
    await writeFile(path, lines.map((line) => JSON.stringify(line)).join('\n'));
    return path;
  };
  await load(first, await write('first.jsonl', [{ image: 'picture-000000.jpg', label: 'first' }]));
  // It names a picture that only the other source has.
  const status = await load(
    second,
    await write('second.jsonl', [
      { image: 'picture-000005.jpg', label: 'second' },
      { image: 'picture-000000.jpg', label: 'wrong' },
    ]),
  );
  expect(status.annotations).toMatchObject({ matched: 1, without_sample: 1 });
  expect(await labelsOf(dataset)).toEqual([['first'], ['second']]);
});

it('a file that was changed while it was read is read anew from its start', async () => {
  const path = join(bench.folder, 'changing.jsonl');
  const lines = (label: string) =>
    Array.from({ length: 5000 }, (_, n) => JSON.stringify({ image: `${n}.jpg`, label })).join('\n');
  await writeFile(path, lines('old'));
  const files = annotationFiles(createSources([folderSource()]));
  const plan = {
    field: 'ground_truth',
    from: 'x',
    sets: [{ path, format: 'jsonl' as const }],
    found: false,
    replace: false,
  };
  const stage = (with_: AnnotationFiles, signal: AbortSignal, onStep: () => void) =>
    stageAnnotations(bench.store, with_, plan, {
      jobId: 'changing',
      takeUnreadable: () => [],
      onStep,
      onStored: () => undefined,
      signal,
    });
  const { annotation_readings, staged_annotations } = collectionsOf(bench.store);
  // The first attempt has noted a position, and ends.
  const reading = { _id: 'changing', steps: 1, fingerprints: ['old'], staged_bytes: 9, set: 0, cursor: '"nowhere"' };
  await annotation_readings.insertOne({
    ...{ ...reading, flushes: ['lost'], bytes: 9, objects: 7, invalid: {}, invalid_named: [] },
    ...{ classes: '[]', done: false },
  });
  await writeFile(path, lines('new'));
  const done = await stage(files, new AbortController().signal, () => undefined);
  expect(done).toMatchObject({ done: true, objects: 5000, invalid: {} });
  expect(done.flushes).not.toContain('lost');
  const stored = await staged_annotations.find({ job_id: 'changing', flush: { $in: done.flushes } }).toArray();
  const pieces = stored.flatMap(({ pieces: bytes }) => JSON.parse(Buffer.from(bytes.buffer).toString()) as object[]);
  expect(pieces).toHaveLength(5000);
  expect(JSON.stringify(pieces)).not.toContain('old');
  await Promise.all([annotation_readings.deleteMany({}), staged_annotations.deleteMany({})]);
});

it('a page of samples with many annotations ends early, and goes on', async () => {
  const dataset = bench.newDataset();
  const source = join(bench.folder, dataset);
  await makePictures(source, 30);
  await bench.load({ dataset, source, embed: false, annotations: 'none' });
  const caption = 'x'.repeat(1 << 20);
  const field = { from: 'x', sets: { 0: { fingerprint: '', job_id: '', objects: [{ caption }] } } };
  await collectionsOf(bench.store).samples.updateMany(
    { dataset_id: dataset },
    { $set: { 'annotations.ground_truth': field } },
  );
  const seqs: number[] = [];
  let pages = 0;
  for (let from: number | null | undefined; from !== null; pages += 1) {
    const page = await searchSamples(bench.store, {
      ...{ datasetId: dataset, filter: {}, from, limit: 30, nextSeq: 30, annotations: true },
    });
    seqs.push(...page.samples.map(({ seq }) => seq));
    from = page.next;
  }
  expect(seqs).toEqual(Array.from({ length: 30 }, (_, seq) => seq));
  expect(pages).toBe(2);
});
