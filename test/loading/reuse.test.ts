import { copyFile, mkdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobStatus } from '../../contract/job.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import type { EmbeddingDocument, SampleDocument } from '../../core/store/documents.ts';
import { createCountingEmbedder } from '../support/counting-embedder.ts';
import { drawPicture, makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;
const embedder = createCountingEmbedder();

beforeAll(async () => {
  bench = await openWorkbench({ plugin: { embedder } });
});
afterAll(async () => {
  await bench?.stop();
  await embedder.close();
});

/** Returns the final status of a job and how many pictures were encoded. */
async function counted(job: () => Promise<JobStatus>): Promise<{ status: JobStatus; computed: number }> {
  const before = embedder.encoded;
  const status = await job();
  return { status, computed: embedder.encoded - before };
}

const loadOf = (dataset: string, source: string) => counted(() => bench.load({ dataset, source }));

/** A loaded dataset of four pictures. */
async function openLoaded() {
  const dataset = bench.newDataset();
  const source = join(bench.folder, dataset);
  const paths = await makePictures(source, 4);
  const load = () => loadOf(dataset, source);
  const { computed } = await load();
  expect(computed).toBe(4);
  return { dataset, source, path: paths[1] as string, load };
}

const samplesOf = (dataset: string): Promise<SampleDocument[]> =>
  collectionsOf(bench.store).samples.find({ dataset_id: dataset }).sort({ seq: 1 }).toArray();

const vectorsOf = (dataset: string): Promise<EmbeddingDocument[]> =>
  collectionsOf(bench.store).embeddings.find({ dataset_id: dataset }).sort({ seq: 1 }).toArray();

/** Each sample has one vector of the file as it is now. */
async function expectUpToDate(dataset: string): Promise<void> {
  const samples = (await samplesOf(dataset)).filter(({ status }) => status === 'indexed');
  const vectors = new Map((await vectorsOf(dataset)).map((vector) => [vector.seq, vector]));
  for (const { _id, seq, source } of samples) {
    expect(vectors.get(seq)).toMatchObject({ sample_id: _id, version: source.fingerprint });
  }
}

describe('a vector is taken over without inference', () => {
  it('where a file was only touched', async () => {
    const { dataset, path, load } = await openLoaded();
    const before = await vectorsOf(dataset);
    const { atime, mtime } = await stat(path);
    await utimes(path, atime, new Date(mtime.getTime() + 5000));

    const { status, computed } = await load();

    expect(status.phases.indexing.outcomes).toMatchObject({ changed: 1, unchanged: 3 });
    expect(status.phases.embedding).toMatchObject({ done: 1, failed: 0, total: 1, reused: 1 });
    expect(computed).toBe(0);
    const after = await vectorsOf(dataset);
    expect(after.map(({ vector, content }) => [vector, content])).toEqual(
      before.map(({ vector, content }) => [vector, content]),
    );
    // The vector fits the current file, so the next load skips it.
    await expectUpToDate(dataset);
    expect((await load()).status.phases.embedding).toMatchObject({ done: 0, total: 0 });
  });

  it('where a file was moved: the old sample is missing, the new one has the vector', async () => {
    const { dataset, source, path, load } = await openLoaded();
    const moved = join(source, 'zz-moved.jpg');
    await rename(path, moved);

    const { status, computed } = await load();

    expect(status.phases.indexing.outcomes).toMatchObject({ added: 1, missing: 1, unchanged: 3 });
    expect(status.phases.embedding).toMatchObject({ done: 1, total: 1, reused: 1 });
    expect(computed).toBe(0);
    const samples = await samplesOf(dataset);
    expect(samples[1]).toMatchObject({ filepath: path, status: 'missing' });
    expect(samples[4]).toMatchObject({ seq: 4, filepath: moved, status: 'indexed' });
    const vectors = await vectorsOf(dataset);
    expect(vectors[4]?.vector).toEqual(vectors[1]?.vector);
    await expectUpToDate(dataset);

    // The new sample owns its vector, which stays when the old sample is removed.
    expect(await bench.wait((await bench.prune(dataset)).job_id)).toMatchObject({
      removed: { samples: 1, vectors: 1 },
    });
    expect((await vectorsOf(dataset)).map(({ seq }) => seq)).toEqual([0, 2, 3, 4]);
  });

  it('where a file was copied', async () => {
    const { dataset, source, path, load } = await openLoaded();
    await copyFile(path, join(source, 'zz-copy.jpg'));

    const { status, computed } = await load();

    expect(status.phases.embedding).toMatchObject({ done: 1, total: 1, reused: 1 });
    expect(computed).toBe(0);
    const vectors = await vectorsOf(dataset);
    expect(vectors).toHaveLength(5);
    expect(vectors[4]?.vector).toEqual(vectors[1]?.vector);
    expect(vectors[4]?.content).toBe(vectors[1]?.content);
  });

  it('where a file holds now what another one does', async () => {
    const { dataset, path, load } = await openLoaded();
    const [other] = await samplesOf(dataset);
    await copyFile(other?.filepath as string, path);

    const { status, computed } = await load();

    expect(status.phases.embedding).toMatchObject({ done: 1, total: 1, reused: 1 });
    expect(computed).toBe(0);
    const vectors = await vectorsOf(dataset);
    expect(vectors).toHaveLength(4);
    expect(vectors[1]?.vector).toEqual(vectors[0]?.vector);
    await expectUpToDate(dataset);
  });

  it('where a vector was lost and another file has the same content', async () => {
    const { dataset, source, path, load } = await openLoaded();
    await copyFile(path, join(source, 'zz-copy.jpg'));
    await load();
    await collectionsOf(bench.store).embeddings.deleteOne({ dataset_id: dataset, seq: 1 });

    const { status, computed } = await counted(() => bench.embed({ dataset }));

    expect(status.phases.embedding).toMatchObject({ done: 1, total: 1, reused: 1 });
    expect(computed).toBe(0);
    await expectUpToDate(dataset);
  });
});

describe('equal files of one first load', () => {
  it('all have their vectors, and these are equal', async () => {
    const dataset = bench.newDataset();
    const source = join(bench.folder, dataset);
    const [first = '', second = ''] = await makePictures(source, 2);
    const copies = Array.from({ length: 100 }, (_, i) => join(source, `z-copy-${i}.jpg`));
    for (const copy of copies) await copyFile(first, copy);

    const { status, computed } = await loadOf(dataset, source);

    expect(status.phases.embedding).toMatchObject({ done: 102, failed: 0, total: 102 });
    expect(status.phases.embedding.reused).toBe(102 - computed);
    await expectUpToDate(dataset);
    const samples = await samplesOf(dataset);
    const vectors = await vectorsOf(dataset);
    expect(vectors).toHaveLength(102);
    const ofFirst = vectors.filter((_, i) => samples[i]?.filepath !== second);
    expect(new Set(ofFirst.map(({ content }) => content)).size).toBe(1);
    for (const { vector } of ofFirst) expect(vector).toEqual(ofFirst[0]?.vector);
    expect(vectors.find(({ seq }) => samples[seq]?.filepath === second)?.vector).not.toEqual(ofFirst[0]?.vector);
  });
});

describe('a vector is computed anew', () => {
  it('where the content of a file changed', async () => {
    const { dataset, path, load } = await openLoaded();
    const before = await vectorsOf(dataset);
    await writeFile(path, await drawPicture(1000));

    const { status, computed } = await load();

    expect(status.phases.embedding).toMatchObject({ done: 1, total: 1, reused: 0 });
    expect(computed).toBe(1);
    const after = await vectorsOf(dataset);
    expect(after[1]?.vector).not.toEqual(before[1]?.vector);
    expect(after[1]?.content).not.toBe(before[1]?.content);
    expect(after.toSpliced(1, 1)).toEqual(before.toSpliced(1, 1));
    await expectUpToDate(dataset);
  });

  it('where only another dataset has it', async () => {
    const { source } = await openLoaded();

    const { status, computed } = await loadOf(bench.newDataset(), source);

    expect(status.phases.embedding).toMatchObject({ done: 4, total: 4, reused: 0 });
    expect(computed).toBe(4);
  });

  it('where it was lost, by an embedding of the whole dataset', async () => {
    const { dataset } = await openLoaded();
    const before = await vectorsOf(dataset);
    await collectionsOf(bench.store).embeddings.deleteOne({ dataset_id: dataset, seq: 1 });

    const { status, computed } = await counted(() => bench.embed({ dataset }));

    expect(status.phases.embedding).toMatchObject({ done: 1, total: 1, reused: 0 });
    expect(computed).toBe(1);
    expect((await vectorsOf(dataset))[1]?.vector).toEqual(before[1]?.vector);
  });

  it('where the sample that had it was pruned', async () => {
    const { dataset, source, path, load } = await openLoaded();
    const aside = join(bench.folder, `${dataset}.jpg`);
    await copyFile(path, aside);
    await rm(path);
    await load();
    await bench.wait((await bench.prune(dataset)).job_id);
    await rename(aside, join(source, 'zz-moved.jpg'));

    const { status, computed } = await load();

    expect(status.phases.embedding).toMatchObject({ done: 1, total: 1, reused: 0 });
    expect(computed).toBe(1);
  });
});

describe('a folder that moved', () => {
  /** A loaded dataset of four tagged pictures, one in a folder and of a name that are not UTF-8, which then moved. */
  async function openMoved() {
    const dataset = bench.newDataset();
    const [from, to] = ['old', 'new'].map((name) => join(bench.folder, `${dataset}-${name}`)) as [string, string];
    const paths = await makePictures(from, 4);
    if (process.platform === 'linux') {
      const odd = Buffer.concat([Buffer.from(`${from}/caf`), Buffer.from([0xe9])]);
      await mkdir(odd);
      await rename(paths[3] as string, Buffer.concat([odd, Buffer.from([0x2f, 0xff]), Buffer.from('.png')]));
    }
    expect((await loadOf(dataset, from)).computed).toBe(4);
    await collectionsOf(bench.store).samples.updateMany({ dataset_id: dataset }, { $set: { tags: ['kept'] } });
    const [samples, vectors] = await Promise.all([samplesOf(dataset), vectorsOf(dataset)]);
    await rename(from, to);
    const relocate = async () => bench.wait((await bench.relocate({ dataset, from: `${from}/`, to })).job_id);
    const forget = async (source: string) => bench.wait((await bench.forget({ dataset, source })).job_id);
    return { dataset, from, to, samples, vectors, relocate, forget };
  }

  const identityOf = ({ _id, seq, tags }: SampleDocument) => ({ _id, seq, tags });
  const sourcesIn = async (dataset: string) =>
    (await collectionsOf(bench.store).datasets.findOne({ _id: dataset }))?.sources;

  it('keeps its samples, tags and vectors if it is relocated before it is loaded again', async () => {
    const { dataset, to, samples, vectors, relocate } = await openMoved();

    const relocated = await relocate();

    expect(relocated).toMatchObject({ kind: 'relocate', state: 'completed', error: null, moved: { samples: 4 } });
    expect(await bench.temporal.workflow.getHandle(relocated.workflow_id).query('status')).toMatchObject({
      moved: { samples: 4 },
    });
    const { status, computed } = await loadOf(dataset, to);
    expect(status.phases.indexing.outcomes).toMatchObject({ added: 0, changed: 0, unchanged: 4, missing: 0 });
    expect(computed).toBe(0);
    expect((await samplesOf(dataset)).map(identityOf)).toEqual(samples.map(identityOf));
    expect(await vectorsOf(dataset)).toEqual(vectors);
    expect(await sourcesIn(dataset)).toEqual([to]);

    const plain = (await samplesOf(dataset)).find(({ filepath_bytes }) => filepath_bytes === undefined);
    await rm(plain?.filepath as string);
    await loadOf(dataset, to);
    expect(await bench.wait((await bench.prune(dataset)).job_id)).toMatchObject({
      removed: { samples: 1, vectors: 1 },
    });
  });

  it('keeps them also if it was loaded before that: its new samples are forgotten first', async () => {
    const { dataset, from, to, samples, vectors, relocate, forget } = await openMoved();
    expect((await loadOf(dataset, to)).computed).toBe(0);

    const refused = await relocate();
    expect(refused).toMatchObject({
      state: 'failed',
      error: { code: 'PathTaken', message: expect.stringContaining(`plimsoll forget ${dataset} --source ${to}`) },
    });
    expect(await sourcesIn(dataset)).toEqual([from, to]);
    expect(await samplesOf(dataset)).toHaveLength(8);

    expect(await forget(to)).toMatchObject({ state: 'completed', removed: { samples: 4, vectors: 4 } });
    expect(await sourcesIn(dataset)).toEqual([from]);
    expect(await relocate()).toMatchObject({ state: 'completed' });
    const { status, computed } = await loadOf(dataset, to);
    expect([status.phases.indexing.outcomes?.unchanged, computed]).toEqual([4, 0]);
    expect((await samplesOf(dataset)).map(identityOf)).toEqual(samples.map(identityOf));
    expect(await vectorsOf(dataset)).toEqual(vectors);
  });

  it('has only its new samples, with vectors, once the old place is forgotten', async () => {
    const { dataset, from, to, forget } = await openMoved();
    await loadOf(dataset, to);
    // Nothing is missing, but the prune names the place that is gone.
    expect(await bench.wait((await bench.prune(dataset)).job_id)).toMatchObject({
      state: 'completed',
      removed: { samples: 0, unreadable_folders: [from] },
    });

    expect(await forget(from)).toMatchObject({
      kind: 'forget',
      state: 'completed',
      removed: { samples: 4, vectors: 4 },
    });

    expect((await samplesOf(dataset)).map(({ seq }) => seq)).toEqual([4, 5, 6, 7]);
    expect((await vectorsOf(dataset)).map(({ seq }) => seq)).toEqual([4, 5, 6, 7]);
    expect(await sourcesIn(dataset)).toEqual([to]);
    expect((await loadOf(dataset, to)).computed).toBe(0);
    await expect(forget(from)).rejects.toMatchObject({ code: 'FolderNotInDataset' });
  });
});
