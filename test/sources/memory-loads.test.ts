import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memorySource } from '../../core/sources/memory/memory-source.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import type { SampleDocument } from '../../core/store/documents.ts';
import { drawPicture } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const memory = memorySource();

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench({ plugin: { sources: [memory] } });
});
afterAll(() => bench.stop());

/** A dataset and the root of its files, which hold this many pictures of several formats and sizes. */
async function newPictures(count: number) {
  const dataset = bench.newDataset();
  const source = `memory:/${dataset}`;
  const paths: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const format = (['jpeg', 'png', 'webp'] as const)[n % 3] ?? 'jpeg';
    const path = `${source}/${n % 2 === 0 ? 'even' : 'odd'}/picture-${n}.${format}`;
    memory.put(
      path,
      await sharp(await drawPicture(n, format))
        .resize(64 + n, 48 + 3 * n, { fit: 'fill' })
        .toBuffer(),
    );
    paths.push(path);
  }
  return { dataset, source, paths: paths.sort() };
}

const samplesOf = (dataset: string): Promise<SampleDocument[]> =>
  collectionsOf(bench.store).samples.find({ dataset_id: dataset }).sort({ seq: 1 }).toArray();

const vectorsOf = (dataset: string) =>
  collectionsOf(bench.store).embeddings.find({ dataset_id: dataset }).sort({ seq: 1 }).toArray();

const countsOf = async (dataset: string) =>
  (await collectionsOf(bench.store).datasets.findOne({ _id: dataset }))?.counts;

async function contentOf(path: string): Promise<Buffer> {
  const file = await memory.open({ path });
  return Buffer.from(await new Response(file.stream()).arrayBuffer());
}

describe('a load of files in memory', () => {
  it('stores what each picture is, in the order of paths, with a vector each', async () => {
    const { dataset, source, paths } = await newPictures(9);

    // The root has one name, however it is spelled.
    const status = await bench.load({ dataset, source: `${source}/` });

    expect(status).toMatchObject({ state: 'completed', error: null });
    expect(status.phases.indexing).toMatchObject({ state: 'completed', done: 9, failed: 0, total: 9 });
    expect(status.phases.indexing.outcomes).toMatchObject({ added: 9, unchanged: 0, missing: 0 });
    expect(status.phases.embedding).toMatchObject({ state: 'completed', done: 9, failed: 0, total: 9, reused: 0 });
    const samples = await samplesOf(dataset);
    expect(samples.map(({ seq, filepath }) => [seq, filepath])).toEqual(paths.map((path, seq) => [seq, path]));
    for (const { filepath, metadata, source: facts } of samples) {
      const content = await contentOf(filepath);
      const { format, width, height } = await sharp(content).metadata();
      expect(metadata).toMatchObject({ format, width, height, size_bytes: content.length });
      expect(facts).toMatchObject({ size_bytes: content.length });
    }
    expect((await vectorsOf(dataset)).map(({ seq }) => seq)).toEqual(samples.map(({ seq }) => seq));
    expect(await collectionsOf(bench.store).datasets.findOne({ _id: dataset })).toMatchObject({
      sources: [source],
      counts: { total: 9, indexed: 9, failed: 0, missing: 0 },
      next_seq: 9,
    });
  });

  it('goes over several pages of the listing and passes over what is no picture', async () => {
    const dataset = bench.newDataset();
    const source = `memory:/${dataset}`;
    const picture = await drawPicture(1);
    for (let n = 0; n < 900; n += 1) memory.put(`${source}/${n % 7}/${n}.jpg`, picture);
    memory.put(`${source}/3/notes.txt`, Buffer.from('no picture'));

    const status = await bench.load({ dataset, source, embed: false });

    expect(status.phases.indexing).toMatchObject({ done: 900, total: 900, outcomes: { added: 900, ignored: 1 } });
    const samples = await samplesOf(dataset);
    expect(samples.map(({ seq }) => seq)).toEqual(Array.from({ length: 900 }, (_, seq) => seq));
    const paths = samples.map(({ filepath }) => filepath);
    expect(paths).toEqual([...new Set(paths)].sort());
  });
});

describe('a load again', () => {
  it('does nothing where nothing has changed', async () => {
    const { dataset, source } = await newPictures(6);
    await bench.load({ dataset, source });
    const [samples, vectors] = [await samplesOf(dataset), await vectorsOf(dataset)];

    const status = await bench.load({ dataset, source });

    expect(status.phases.indexing.outcomes).toMatchObject({ added: 0, changed: 0, unchanged: 6, missing: 0 });
    expect(status.phases.embedding).toMatchObject({ state: 'completed', done: 0, total: 0 });
    expect(await samplesOf(dataset)).toEqual(samples);
    expect(await vectorsOf(dataset)).toEqual(vectors);
  });

  it('does what changed, and leaves numbers and tags as they are', async () => {
    const { dataset, source, paths } = await newPictures(8);
    await bench.load({ dataset, source });
    const before = await samplesOf(dataset);
    const vectorsBefore = await vectorsOf(dataset);
    await collectionsOf(bench.store).samples.updateMany({ dataset_id: dataset }, { $set: { tags: ['mine'] } });
    const [, changed = '', , removed = ''] = paths;

    memory.put(changed, await drawPicture(100, 'png'));
    memory.remove(removed);
    // The added picture comes first by its path and last by its number.
    memory.put(`${source}/added.jpg`, await drawPicture(101));
    const status = await bench.load({ dataset, source });

    expect(status.phases.indexing.outcomes).toMatchObject({
      added: 1,
      changed: 1,
      unchanged: 6,
      missing: 1,
      failed: 0,
    });
    expect(status.phases.embedding).toMatchObject({ done: 2, total: 2, failed: 0 });
    const after = await samplesOf(dataset);
    expect(after.map(({ _id, filepath }) => [_id, filepath])).toEqual([
      ...before.map(({ _id, filepath }) => [_id, filepath]),
      [after[8]?._id, `${source}/added.jpg`],
    ]);
    expect(after.map(({ status: state }) => state)).toEqual(
      after.map(({ filepath }) => (filepath === removed ? 'missing' : 'indexed')),
    );
    expect(after.map(({ tags }) => tags)).toEqual([...before.map(() => ['mine']), []]);
    expect(after[1]?.metadata).toMatchObject({ format: 'png', width: 64, height: 48 });
    const vectors = await vectorsOf(dataset);
    expect(vectors.map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(vectors[1]?.content).not.toBe(vectorsBefore[1]?.content);
    expect(vectors.toSpliced(8).toSpliced(1, 1)).toEqual(vectorsBefore.toSpliced(1, 1));
    expect(await countsOf(dataset)).toEqual({ total: 9, indexed: 8, failed: 0, missing: 1 });
  });

  it('takes a file back that was missing, as it was or changed meanwhile', async () => {
    const { dataset, source, paths } = await newPictures(4);
    await bench.load({ dataset, source });
    const before = await samplesOf(dataset);
    const [same = '', other = ''] = paths;
    const content = await contentOf(same);
    memory.remove(same);
    memory.remove(other);
    await bench.load({ dataset, source });
    expect((await samplesOf(dataset)).map(({ status: state }) => state)).toEqual([
      'missing',
      'missing',
      'indexed',
      'indexed',
    ]);

    memory.put(same, content);
    memory.put(other, await drawPicture(50, 'png'));
    const status = await bench.load({ dataset, source });

    expect(status.phases.indexing.outcomes).toMatchObject({ added: 0, changed: 2, unchanged: 2, missing: 0 });
    // The picture with the same content kept its vector.
    expect(status.phases.embedding).toMatchObject({ done: 2, total: 2, reused: 1 });
    const after = await samplesOf(dataset);
    expect(after.map(({ _id, seq, status: state }) => [_id, seq, state])).toEqual(
      before.map(({ _id, seq }) => [_id, seq, 'indexed']),
    );
    expect(after[0]?.metadata).toEqual(before[0]?.metadata);
    expect(after[1]?.metadata).toMatchObject({ format: 'png', width: 64, height: 48 });
  });
});

describe('a source that is not there', () => {
  it('fails the load and marks nothing as missing; when it is back, nothing has changed', async () => {
    const { dataset, source } = await newPictures(5);
    await bench.load({ dataset, source });
    const [samples, vectors] = [await samplesOf(dataset), await vectorsOf(dataset)];

    memory.setPresent(source, false);
    const failed = await bench.load({ dataset, source });

    expect(failed).toMatchObject({ state: 'failed', error: { code: 'SourceNotFound' } });
    expect(failed.error?.message).toContain(source);
    expect(await samplesOf(dataset)).toEqual(samples);
    expect(await countsOf(dataset)).toEqual({ total: 5, indexed: 5, failed: 0, missing: 0 });

    memory.setPresent(source, true);
    const status = await bench.load({ dataset, source });

    expect(status.phases.indexing.outcomes).toMatchObject({ added: 0, changed: 0, unchanged: 5, missing: 0 });
    expect(status.phases.embedding).toMatchObject({ total: 0 });
    expect(await samplesOf(dataset)).toEqual(samples);
    expect(await vectorsOf(dataset)).toEqual(vectors);
  });

  it('was never there, or is of a kind that no worker reads', async () => {
    const nowhere = await bench.load({ dataset: bench.newDataset(), source: 'memory:/nowhere' });
    expect(nowhere).toMatchObject({ state: 'failed', error: { code: 'SourceNotFound' } });
    const unknown = await bench.load({ dataset: bench.newDataset(), source: 'unheard-of://bucket/photos' });
    expect(unknown).toMatchObject({ state: 'failed', error: { code: 'UnknownSource' } });
  });

  it('keeps a prune from removing what is missing of it', async () => {
    const { dataset, source, paths } = await newPictures(6);
    await bench.load({ dataset, source });
    const [first = '', second = ''] = paths;
    memory.remove(first);
    memory.remove(second);
    await bench.load({ dataset, source, embed: false });
    memory.setPresent(source, false);

    const kept = await bench.wait((await bench.prune(dataset)).job_id);

    expect(kept).toMatchObject({
      state: 'failed',
      error: { code: 'SourceNotFound' },
      removed: { samples: 0, vectors: 0, kept: 2, unreadable_folders: [source] },
    });
    expect(await samplesOf(dataset)).toHaveLength(6);
    expect(await vectorsOf(dataset)).toHaveLength(6);

    memory.setPresent(source, true);
    const pruned = await bench.wait((await bench.prune(dataset)).job_id);

    expect(pruned).toMatchObject({ state: 'completed', removed: { samples: 2, vectors: 2 } });
    expect((await samplesOf(dataset)).map(({ filepath }) => filepath)).toEqual(paths.slice(2));
    expect((await vectorsOf(dataset)).map(({ seq }) => seq)).toEqual([2, 3, 4, 5]);
    expect(await countsOf(dataset)).toEqual({ total: 4, indexed: 4, failed: 0, missing: 0 });
  });
});
