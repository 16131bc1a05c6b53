import { mkdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoadDatasetRequest } from '../../contract/inputs.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { createCountingEmbedder } from '../support/counting-embedder.ts';
import { drawPicture } from '../support/pictures.ts';
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

const placeOf = (dataset: string) => join(bench.folder, dataset);

/** Writes a different picture into each of these files. */
async function writePictures(source: string, names: readonly string[]): Promise<void> {
  for (const [n, name] of names.entries()) {
    await mkdir(join(source, name, '..'), { recursive: true });
    await writeFile(join(source, name), await drawPicture(n));
  }
}

/** Loads the folder of a dataset. Returns the status and how many pictures went through the model. */
async function load(dataset: string, options: Partial<LoadDatasetRequest> = {}) {
  const before = embedder.encoded;
  const status = await bench.load({ dataset, source: placeOf(dataset), ...options });
  return { status, outcomes: status.phases.indexing.outcomes, computed: embedder.encoded - before };
}

/** The paths and states of the dataset's samples. */
async function samplesOf(dataset: string): Promise<Record<string, string>> {
  const samples = await collectionsOf(bench.store).samples.find({ dataset_id: dataset }).toArray();
  return Object.fromEntries(
    samples.map(({ filepath, status }) => [filepath.slice(placeOf(dataset).length + 1), status]),
  );
}

describe('a folder that a Mac, a Synology, Jupyter and a Linux desktop have used', () => {
  it("yields the user's pictures alone, and counts what is left out", async () => {
    const dataset = bench.newDataset();
    const pictures = ['IMG_0000.jpg', 'IMG_0001.jpg', 'IMG_0002.jpg'];
    await writePictures(placeOf(dataset), pictures);
    const others = [
      ...pictures.map((name) => `._${name}`),
      '__MACOSX/._IMG_0000.jpg',
      '@eaDir/IMG_0000.jpg/SYNOPHOTO_THUMB_XL.jpg',
      '.ipynb_checkpoints/IMG_0000-checkpoint.jpg',
      '.Trash-1000/files/IMG_9999.jpg',
      '#recycle/IMG_9998.jpg',
    ];
    await writePictures(placeOf(dataset), others);
    await writeFile(join(placeOf(dataset), '.DS_Store'), 'Finder');

    const { outcomes } = await load(dataset);

    // Three files and five folders.
    expect(outcomes).toMatchObject({ added: 3, failed: 0, excluded: 8, ignored: 1 });
    expect(Object.keys(await samplesOf(dataset))).toEqual(pictures);
  });
});

describe('rules of a load', () => {
  it('choose its files; what they leave out stays in the dataset as it was', async () => {
    const dataset = bench.newDataset();
    await writePictures(placeOf(dataset), ['a.jpg', 'b.png', 'raw/c.jpg', 'raw/.d.jpg']);

    const first = await load(dataset, { hidden: true });
    expect(first.outcomes).toMatchObject({ added: 4, excluded: 0 });

    const second = await load(dataset, { include: ['*.jpg'], exclude: ['raw'] });
    expect(second.outcomes).toMatchObject({ unchanged: 1, missing: 0, excluded: 2 });
    expect(second.status.request).toMatchObject({ include: ['*.jpg'], exclude: ['raw'], hidden: false });
    expect(new Set(Object.values(await samplesOf(dataset)))).toEqual(new Set(['indexed']));

    // A file that the rules cover is looked for, whatever else they leave out.
    await rm(join(placeOf(dataset), 'a.jpg'));
    expect((await load(dataset, { exclude: ['raw'] })).outcomes).toMatchObject({ unchanged: 1, missing: 1 });
    expect(await samplesOf(dataset)).toMatchObject({ 'a.jpg': 'missing', 'raw/.d.jpg': 'indexed' });
  });

  it('that leave nothing fail the load, in words', async () => {
    const dataset = bench.newDataset();
    await writePictures(placeOf(dataset), ['a.jpg', 'raw/b.jpg']);
    const { status } = await load(dataset, { include: ['*.png'] });
    expect(status.error).toMatchObject({
      code: 'SourceEmpty',
      message: expect.stringContaining(
        '(2 files or folders were left out). Nothing was changed. Check include, exclude',
      ),
    });
  });
});

describe('a file that was edited', () => {
  it('is read again, although its size and modification time are as before', async () => {
    const dataset = bench.newDataset();
    const path = join(placeOf(dataset), 'p.jpg');
    await writePictures(placeOf(dataset), ['other.jpg']);
    const upright = await sharp(await drawPicture(7))
      .resize(62, 40)
      .withMetadata({ orientation: 1 })
      .jpeg()
      .toBuffer();
    await writeFile(path, upright);
    const then = new Date('2026-10-01T12:00:00Z');
    await utimes(path, then, then);
    await load(dataset);

    // The tag of the orientation, its type, its count and its value.
    const at = upright.indexOf(Buffer.from('120103000100000001', 'hex'));
    expect(at).toBeGreaterThan(0);
    upright[at + 8] = 6;
    await writeFile(path, upright);
    await utimes(path, then, then);
    const { outcomes, computed } = await load(dataset);

    expect(outcomes).toMatchObject({ changed: 1, unchanged: 1 });
    expect(computed).toBe(1);
    const sample = await collectionsOf(bench.store).samples.findOne({ dataset_id: dataset, filepath: path });
    expect(sample?.metadata).toMatchObject({ width: 40, height: 62, orientation: 6 });
  });

  it('without any trace is found by a reread, which embeds equal content no second time', async () => {
    const dataset = bench.newDataset();
    const path = join(placeOf(dataset), 'a.jpg');
    await writePictures(placeOf(dataset), ['a.jpg', 'b.jpg']);
    await load(dataset);

    // A disk without change times is simulated: the stored fingerprint is made that of the edited file.
    await writeFile(path, await drawPicture(99));
    const { size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    await collectionsOf(bench.store).samples.updateOne(
      { dataset_id: dataset, filepath: path },
      { $set: { 'source.fingerprint': `${size}-${mtimeNs}-${ctimeNs}` } },
    );
    await collectionsOf(bench.store).embeddings.updateMany({ dataset_id: dataset, seq: 0 }, [
      { $set: { version: `${size}-${mtimeNs}-${ctimeNs}` } },
    ]);
    expect((await load(dataset)).outcomes).toMatchObject({ unchanged: 2 });

    const { outcomes, status, computed } = await load(dataset, { reread: true });
    expect(outcomes).toMatchObject({ changed: 2, unchanged: 0 });
    expect(status.phases.embedding).toMatchObject({ done: 2, reused: 1 });
    expect(computed).toBe(1);
    expect((await load(dataset)).status.phases).toMatchObject({
      indexing: { outcomes: { unchanged: 2 } },
      embedding: { total: 0 },
    });
  });
});

describe('names that are long in bytes', () => {
  it('fill smaller pages, in a load and in a retry', async () => {
    const dataset = bench.newDataset();
    const source = placeOf(dataset);
    // A byte that is not UTF-8 takes four characters in the text of a name, and the name's bytes are stored beside it.
    const levels = Array.from({ length: 15 }, () => Buffer.concat([Buffer.from('/'), Buffer.alloc(240, 0xe9)]));
    const deep = Buffer.concat([Buffer.from(source), ...levels]);
    await mkdir(deep, { recursive: true });
    const names = Array.from({ length: 1800 }, (_, n) => Buffer.from(`/${n}.jpg`));
    await Promise.all(names.map((name) => writeFile(Buffer.concat([deep, name]), '')));

    // Empty files are no pictures, so that each is listed by the retry as well.
    const { status } = await load(dataset, { embed: false });
    expect(status.error?.code).toBe('TooManyFailed');
    expect(status.phases.indexing).toMatchObject({ failed: 1800, total: 1800 });
    const retried = await bench.wait((await bench.retry(dataset, { embed: false })).job_id);
    expect(retried.phases.indexing).toMatchObject({ failed: 1800, total: 1800 });
  });
});

describe('a folder that was moved', () => {
  it('is loaded from its new place without inference', async () => {
    const dataset = bench.newDataset();
    await writePictures(placeOf(dataset), ['a.jpg', 'b.jpg']);
    await load(dataset);
    const source = `${placeOf(dataset)}-moved`;
    await rename(placeOf(dataset), source);
    const { status, computed } = await load(dataset, { source });
    expect(status.phases).toMatchObject({
      indexing: { outcomes: { added: 2 } },
      embedding: { done: 2, reused: 2 },
    });
    expect(computed).toBe(0);
  });
});
