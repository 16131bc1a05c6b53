import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobStatus } from '../../contract/job.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import type { EmbeddingDocument, SampleDocument } from '../../core/store/documents.ts';
import { createCountingEmbedder } from '../support/counting-embedder.ts';
import { contentOfLine, linesMedium, vectorOfLine, writeLinesModel } from '../support/lines-medium.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const LINES = 200;

let bench: Workbench;
let model: string;
const embedder = createCountingEmbedder();

beforeAll(async () => {
  bench = await openWorkbench({ plugin: { media: [linesMedium()], embedder } });
  model = await writeLinesModel(join(bench.folder, 'model'));
});
afterAll(async () => {
  await bench?.stop();
  await embedder.close();
});

const linesNamed = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}, line ${i}`);

/** A sample with its vector. */
type Stored = SampleDocument & { vector: EmbeddingDocument | undefined };

/** A dataset of a folder with `main.lines`, and `other.lines` of 3 lines beside it. */
async function openFolder() {
  const dataset = bench.newDataset();
  const source = join(bench.folder, dataset);
  await mkdir(source);
  const pathOf = (name: string) => join(source, `${name}.lines`);
  const write = (lines: readonly string[], name = 'main') => writeFile(pathOf(name), lines.join('\n'));
  await write(linesNamed('other', 3), 'other');

  /** Loads the folder. Returns the final status and how many lines were encoded. */
  async function load(): Promise<{ status: JobStatus; computed: number }> {
    const before = embedder.encoded;
    const status = await bench.load({ dataset, source, model });
    return { status, computed: embedder.encoded - before };
  }
  /** The samples of a file, by part, and their vectors. */
  async function stored(name = 'main'): Promise<Stored[]> {
    const { samples, embeddings } = collectionsOf(bench.store);
    const vectors = await embeddings.find({ dataset_id: dataset }).toArray();
    const bySample = new Map(vectors.map((vector) => [vector.sample_id.toHexString(), vector]));
    const found = await samples
      .find({ dataset_id: dataset, filepath: pathOf(name) })
      .sort({ part: 1 })
      .toArray();
    return found.map((sample) => ({ ...sample, vector: bySample.get(sample._id.toHexString()) }));
  }
  /** Gives each sample of the main file a different tag, as people would. */
  async function tag(): Promise<void> {
    await collectionsOf(bench.store).samples.updateMany({ dataset_id: dataset, filepath: pathOf('main') }, [
      { $set: { tags: [{ $concat: ['tag-', { $toString: '$seq' }] }] } },
    ]);
  }
  const counts = async () => (await collectionsOf(bench.store).datasets.findOne({ _id: dataset }))?.counts;
  return { dataset, source, pathOf, write, load, stored, tag, counts };
}

/** The same with a file of 200 lines, loaded and tagged. */
async function openLoaded() {
  const folder = await openFolder();
  const lines = linesNamed(folder.dataset, LINES);
  await folder.write(lines);
  await folder.load();
  await folder.tag();
  return { ...folder, lines, before: await folder.stored() };
}

const textOf = ({ metadata }: Pick<SampleDocument, 'metadata'>) => String(metadata?.text);

/** The fields that stay with a line when it moves: its number, its tags, its content and its vector. */
const kept = ({ _id, seq, tags, content, vector }: Stored) => ({ _id, seq, tags, content, vector });

function expectVectors(samples: readonly Stored[]): void {
  for (const sample of samples) {
    const text = textOf(sample);
    expect(sample.vector).toMatchObject({
      seq: sample.seq,
      content: contentOfLine(text),
      version: contentOfLine(text),
    });
    const vector = [...(sample.vector as EmbeddingDocument).vector.toFloat32Array()];
    for (const [i, value] of vectorOfLine(text).entries()) expect(vector[i]).toBeCloseTo(value, 5);
  }
}

/** These lines are the file's samples, in their order, and each has its own vector. */
function expectLines(samples: readonly Stored[], lines: readonly string[]): void {
  const there = samples.filter(({ status }) => status === 'indexed');
  expect(there.map(textOf)).toEqual(lines);
  expect(there.map(({ part }) => part)).toEqual(lines.map((_, i) => i));
  expectVectors(there);
}

describe('a file of 200 lines', () => {
  it('becomes 200 samples, numbered densely in the order of lines, each with a vector of its own', async () => {
    const { dataset, load, write, stored, counts, pathOf } = await openFolder();
    const lines = linesNamed('first', LINES);
    await write(lines);

    const { status, computed } = await load();

    expect(status).toMatchObject({ state: 'completed', error: null });
    // Files are indexed, samples are embedded.
    expect(status.phases.indexing).toMatchObject({ done: 2, failed: 0, total: 2, outcomes: { added: 2 } });
    expect(status.phases.embedding).toMatchObject({ done: LINES + 3, failed: 0, total: LINES + 3, reused: 0 });
    expect(computed).toBe(LINES + 3);
    const samples = await stored();
    expect(samples).toHaveLength(LINES);
    expectLines(samples, lines);
    expect(samples.map(({ seq }) => seq)).toEqual(lines.map((_, i) => i));
    expect(new Set(samples.map(({ filepath }) => filepath))).toEqual(new Set([pathOf('main')]));
    expect((await stored('other')).map(({ seq, part }) => [seq, part])).toEqual([
      [200, 0],
      [201, 1],
      [202, 2],
    ]);
    expect(await counts()).toEqual({ total: 203, indexed: 203, failed: 0, missing: 0 });
    const record = await collectionsOf(bench.store).datasets.findOne({ _id: dataset });
    expect(record).toMatchObject({ media_type: 'lines', next_seq: 203, models: [{ vectors: 203 }] });
  });

  it('may hold a line twice: both are samples, and their vectors are equal', async () => {
    const { load, write, stored, counts } = await openFolder();
    const lines = ['same', 'between', 'same'];
    await write(lines);
    await load();

    const samples = await stored();

    expectLines(samples, lines);
    const [first, , last] = samples;
    expect(last?.vector?.vector).toEqual(first?.vector?.vector);
    expect(await counts()).toEqual({ total: 6, indexed: 6, failed: 0, missing: 0 });
  });
});

describe('an edit of a file', () => {
  it('of one line in the middle changes that sample alone, which stays the sample that it was', async () => {
    const { load, write, stored, counts, lines, before } = await openLoaded();
    const edited = lines.with(100, 'edited');
    await write(edited);

    const { status, computed } = await load();

    expect(status.phases.indexing.outcomes).toMatchObject({ changed: 1, unchanged: 1, added: 0, missing: 0 });
    expect(status.phases.embedding).toMatchObject({ done: 1, failed: 0, total: 1, reused: 0 });
    expect(computed).toBe(1);
    const after = await stored();
    expectLines(after, edited);
    expect(after.toSpliced(100, 1).map(kept)).toEqual(before.toSpliced(100, 1).map(kept));
    const { _id, seq, tags } = before[100] as Stored;
    expect(after[100]).toMatchObject({ _id, seq, tags, content: contentOfLine('edited') });
    expect(await counts()).toEqual({ total: 203, indexed: 203, failed: 0, missing: 0 });
  });

  it('that inserts a line in the middle adds one sample; those behind it move and keep all that they have', async () => {
    const { load, write, stored, counts, lines, before } = await openLoaded();
    const longer = lines.toSpliced(100, 0, 'inserted');
    await write(longer);

    const { status, computed } = await load();

    expect(status.phases.embedding).toMatchObject({ done: 1, total: 1, reused: 0 });
    expect(computed).toBe(1);
    const after = await stored();
    expectLines(after, longer);
    expect(after[100]).toMatchObject({ seq: 203, tags: [], status: 'indexed' });
    expect(after.toSpliced(100, 1).map(kept)).toEqual(before.map(kept));
    expect(await counts()).toEqual({ total: 204, indexed: 204, failed: 0, missing: 0 });
  });

  it('that inserts a line of known text takes its vector over', async () => {
    const { load, write, stored, lines } = await openLoaded();
    const longer = [...lines, 'other, line 1'];
    await write(longer);

    const { status, computed } = await load();

    expect(status.phases.embedding).toMatchObject({ done: 1, total: 1, reused: 1 });
    expect(computed).toBe(0);
    expectLines(await stored(), longer);
  });

  it('that moves lines computes nothing: each takes its number, its tags and its vector along', async () => {
    const { load, write, stored, counts, lines, before } = await openLoaded();
    const moved = lines.toReversed();
    await write(moved);

    const { status, computed } = await load();

    expect(status.phases.indexing.outcomes).toMatchObject({ changed: 1, unchanged: 1 });
    expect(status.phases.embedding.total).toBe(0);
    expect(computed).toBe(0);
    const after = await stored();
    expectLines(after, moved);
    expect(after.map(kept)).toEqual(before.toReversed().map(kept));
    expect(await counts()).toEqual({ total: 203, indexed: 203, failed: 0, missing: 0 });
  });
});

describe('a line that is deleted', () => {
  it('leaves its sample missing, and gets it back when it is restored', async () => {
    const { load, write, stored, counts, lines, before } = await openLoaded();
    const shorter = lines.toSpliced(50, 1);
    await write(shorter);
    const gone = await load();

    expect(gone.status.phases.embedding.total).toBe(0);
    const without = await stored();
    expectLines(without, shorter);
    expect(without.filter(({ status }) => status === 'missing').map(kept)).toEqual([kept(before[50] as Stored)]);
    expect(await counts()).toEqual({ total: 203, indexed: 202, failed: 0, missing: 1 });

    await write(lines);
    const back = await load();

    expect(back.status.phases.embedding.total).toBe(0);
    expect(gone.computed + back.computed).toBe(0);
    const after = await stored();
    expectLines(after, lines);
    expect(after.map(kept)).toEqual(before.map(kept));
    expect(await counts()).toEqual({ total: 203, indexed: 203, failed: 0, missing: 0 });
  });

  it('gives its sample to no other line: what is tagged stays what it is of', async () => {
    const { load, write, stored, counts, lines, before } = await openLoaded();
    const shorter = lines.toSpliced(50, 1);
    await write(shorter);
    await load();
    const longer = [...shorter.with(120, 'edited'), 'appended'];
    await write(longer);

    const { computed } = await load();

    expect(computed).toBe(2);
    const after = await stored();
    expectLines(after, longer);
    const { _id, seq, tags } = before[121] as Stored;
    expect(after[120]).toMatchObject({ _id, seq, tags });
    expect(after[199]).toMatchObject({ seq: 203, tags: [] });
    expect(after[200]).toMatchObject({ ...kept(before[50] as Stored), status: 'missing' });
    expect(await counts()).toEqual({ total: 204, indexed: 203, failed: 0, missing: 1 });
  });

  it('stays missing while its file can not be read', async () => {
    const { load, write, stored, counts, lines } = await openLoaded();
    await write(lines.slice(1));
    await load();
    await write([]);

    await load();

    expect((await stored()).filter(({ status }) => status === 'missing')).toHaveLength(1);
    expect(await counts()).toEqual({ total: 203, indexed: 3, failed: 199, missing: 1 });
  });
});

describe('a file of many samples', () => {
  it('that is gone leaves all of them missing, and is indexed again when it is back', async () => {
    const { load, stored, counts, source, pathOf, before } = await openLoaded();
    await rename(pathOf('main'), join(bench.folder, 'aside'));
    const gone = await load();

    expect(gone.status.phases.indexing.outcomes).toMatchObject({ missing: 1, unchanged: 1 });
    const missing = await stored();
    expect(new Set(missing.map(({ status }) => status))).toEqual(new Set(['missing']));
    expect(missing.map(kept)).toEqual(before.map(kept));
    expect(await counts()).toEqual({ total: 203, indexed: 3, failed: 0, missing: 200 });

    await rename(join(bench.folder, 'aside'), join(source, 'main.lines'));
    const back = await load();

    expect(back.status.phases.embedding.total).toBe(0);
    expect(gone.computed + back.computed).toBe(0);
    const after = await stored();
    expectLines(after, before.map(textOf));
    expect(after.map(kept)).toEqual(before.map(kept));
    expect(await counts()).toEqual({ total: 203, indexed: 203, failed: 0, missing: 0 });
  });

  it('that comes back edited stays the samples that it was', async () => {
    const { load, write, stored, pathOf, lines, before } = await openLoaded();
    await rm(pathOf('main'));
    await load();
    const edited = lines.with(7, 'edited');
    await write(edited);

    const { computed } = await load();

    expect(computed).toBe(1);
    const after = await stored();
    expectLines(after, edited);
    expect(after.map(({ seq, tags }) => [seq, tags])).toEqual(before.map(({ seq, tags }) => [seq, tags]));
  });

  it.each(['a load', 'a retry'])('that becomes unreadable fails all of them; %s mends them', async (mending) => {
    const { dataset, load, write, stored, counts, lines, before } = await openLoaded();
    await write([]);
    const failed = await load();

    // The file is counted once.
    expect(failed.status.phases.indexing).toMatchObject({ done: 1, failed: 1, total: 2, failures: { empty_file: 1 } });
    const without = await stored();
    expect(without).toHaveLength(LINES);
    for (const { status, error, metadata } of without) {
      expect(status).toBe('failed');
      expect(error).toMatchObject({ code: 'empty_file', stage: 'indexing' });
      expect(metadata).toBeUndefined();
    }
    expect(await counts()).toEqual({ total: 203, indexed: 3, failed: 200, missing: 0 });

    await write(lines);
    const encodedBefore = embedder.encoded;
    const status =
      mending === 'a load' ? (await load()).status : await bench.wait((await bench.retry(dataset, { model })).job_id);

    expect(status).toMatchObject({ state: 'completed', phases: { indexing: { failed: 0 }, embedding: { total: 0 } } });
    expect(status.phases.indexing.outcomes).toMatchObject({ changed: 1, failed: 0 });
    expect(embedder.encoded).toBe(encodedBefore);
    const after = await stored();
    expectLines(after, lines);
    expect(after.map(kept)).toEqual(before.map(kept));
    expect(after.every(({ error }) => error === undefined)).toBe(true);
    expect(await counts()).toEqual({ total: 203, indexed: 203, failed: 0, missing: 0 });
  });

  it('that is copied costs nothing: the copy has numbers of its own, and the vectors of the original', async () => {
    const { load, stored, pathOf, lines, before } = await openLoaded();
    await copyFile(pathOf('main'), pathOf('copy'));

    const { status, computed } = await load();

    expect(status.phases.embedding).toMatchObject({ done: LINES, total: LINES, reused: LINES });
    expect(computed).toBe(0);
    const copies = await stored('copy');
    expectLines(copies, lines);
    expect(copies.map(({ seq }) => seq)).toEqual(lines.map((_, i) => 203 + i));
    expect((await stored()).map(kept)).toEqual(before.map(kept));
  });

  it('is encoded anew by another model: no vector of the first one is taken', async () => {
    const { dataset } = await openLoaded();
    const other = await writeLinesModel(join(bench.folder, `model-of-${dataset}`));
    const before = embedder.encoded;

    const { phases } = await bench.embed({ dataset, model: other });

    expect(phases.embedding).toMatchObject({ done: LINES + 3, total: LINES + 3, reused: 0 });
    expect(embedder.encoded - before).toBe(LINES + 3);
  });
});

describe('a relocate', () => {
  it('moves all samples of a file together, and a load of the new folder finds them unchanged', async () => {
    const { dataset, source, before } = await openLoaded();
    const to = `${source}-moved`;
    await rename(source, to);

    const { job_id } = await bench.relocate({ dataset, from: source, to });

    expect(await bench.wait(job_id)).toMatchObject({ state: 'completed', moved: { samples: LINES + 3 } });
    const encoded = embedder.encoded;
    const { phases } = await bench.load({ dataset, source: to, model });
    expect(phases.indexing.outcomes).toMatchObject({ unchanged: 2, added: 0, missing: 0 });
    expect(embedder.encoded).toBe(encoded);
    const main = { dataset_id: dataset, filepath: join(to, 'main.lines') };
    const after = await collectionsOf(bench.store).samples.find(main).sort({ part: 1 }).toArray();
    const kept = ({ _id, seq, part, tags, content }: SampleDocument) => ({ _id, seq, part, tags, content });
    expect(after.map(kept)).toEqual(before.map(kept));
  });
});

describe('a prune', () => {
  it('removes the samples of lines and of files that are gone, with their vectors, and nothing else', async () => {
    const { dataset, load, write, stored, counts, pathOf, lines } = await openLoaded();
    for (const name of ['gone', 'back']) await write(linesNamed(name, 20), name);
    await load();
    const shorter = lines.toSpliced(10, 2);
    await write(shorter);
    for (const name of ['gone', 'back']) await rename(pathOf(name), join(bench.folder, name));
    await load();
    expect(await counts()).toEqual({ total: 243, indexed: 201, failed: 0, missing: 42 });
    const [main, other, back] = await Promise.all(['main', 'other', 'back'].map(stored));
    // The file is back, but no load has seen it yet.
    await rename(join(bench.folder, 'back'), pathOf('back'));

    const status = await bench.wait((await bench.prune(dataset)).job_id);

    expect(status).toMatchObject({ state: 'completed', removed: { samples: 22, vectors: 22, kept: 20 } });
    expect(await stored()).toEqual(main?.slice(0, 198));
    expectLines(await stored(), shorter);
    expect(await stored('other')).toEqual(other);
    expect(await stored('gone')).toEqual([]);
    expect(await stored('back')).toEqual(back);
    expect(await counts()).toEqual({ total: 221, indexed: 201, failed: 0, missing: 20 });
    expect(await collectionsOf(bench.store).embeddings.countDocuments({ dataset_id: dataset })).toBe(221);

    expect((await load()).computed).toBe(0);
    expect(await counts()).toEqual({ total: 221, indexed: 221, failed: 0, missing: 0 });
  });
});

describe('loading an unchanged folder again', () => {
  /** How often each activity was scheduled in a job's history. */
  async function activitiesOf(of: Workbench, { workflow_id }: JobStatus): Promise<Record<string, number>> {
    const { events } = await of.temporal.workflow.getHandle(workflow_id).fetchHistory();
    const names = (events ?? []).flatMap(
      ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name ?? [],
    );
    return Object.fromEntries([...new Set(names)].sort().map((name) => [name, names.filter((n) => n === name).length]));
  }

  it('reads no file, and does nothing that a folder of images would not take', async () => {
    const { load, write, stored } = await openFolder();
    for (const name of ['a', 'b', 'c', 'd']) await write(linesNamed(name, 40), name);
    const first = await load();
    const before = await stored('c');
    const images = await openWorkbench();
    const source = join(images.folder, 'pictures');
    await makePictures(source, 5);
    const pictures = images.newDataset();
    await images.load({ dataset: pictures, source });

    try {
      const { status, computed } = await load();
      const ofImages = await images.load({ dataset: pictures, source });

      expect(status.phases.indexing).toMatchObject({ done: 5, total: 5 });
      expect(status.phases.indexing.outcomes).toEqual({ ...ofImages.phases.indexing.outcomes, unchanged: 5 });
      expect(status.phases.embedding.total).toBe(0);
      expect(computed).toBe(0);
      expect(await stored('c')).toEqual(before);
      const activities = await activitiesOf(bench, status);
      expect(activities).toEqual(await activitiesOf(images, ofImages));
      expect(activities).not.toHaveProperty('indexPage');
      expect(first.status.workflow_id).toBe(status.workflow_id);
    } finally {
      await images.stop();
    }
  });
});
