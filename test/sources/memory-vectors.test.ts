import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmbedItem } from '../../core/embedding/embedder.ts';
import { memorySource } from '../../core/sources/memory/memory-source.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { createEmbedder, type InferenceEmbedder } from '../../inference/embedder.ts';
import { drawPicture, makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const memory = memorySource();

let bench: Workbench;
let embedder: InferenceEmbedder;
/** The items handed over to be encoded. `computed` counts those that the model had to compute. */
let handed: EmbedItem[] = [];
let computed = 0;

beforeAll(async () => {
  embedder = createEmbedder();
  const watched: InferenceEmbedder = {
    ...embedder,
    async embed(model, medium, items, options) {
      handed.push(...items);
      const outcomes = await embedder.embed(model, medium, items, options);
      computed += outcomes.filter((outcome) => 'vector' in outcome).length;
      return outcomes;
    },
  };
  bench = await openWorkbench({ plugin: { sources: [memory], embedder: watched } });
});
afterAll(async () => {
  await bench?.stop();
  await embedder?.close();
});

async function newPictures(count: number) {
  const dataset = bench.newDataset();
  const source = `memory:/${dataset}`;
  const paths = Array.from({ length: count }, (_, n) => `${source}/picture-${n}.jpg`);
  for (const [n, path] of paths.entries()) memory.put(path, await drawPicture(n));
  return { dataset, source, paths };
}

const samplesOf = (dataset: string) =>
  collectionsOf(bench.store).samples.find({ dataset_id: dataset }).sort({ seq: 1 }).toArray();

const vectorsOf = (dataset: string) =>
  collectionsOf(bench.store).embeddings.find({ dataset_id: dataset }).sort({ seq: 1 }).toArray();

describe('the vectors of files in memory', () => {
  it('are those of the same files in a folder, and no path is asked for', async () => {
    const [onDisk, inMemory] = [bench.newDataset(), bench.newDataset()];
    const folder = join(bench.folder, onDisk);
    for (const format of ['jpeg', 'png', 'webp'] as const)
      for (const path of await makePictures(folder, 4, { format }))
        memory.put(`memory:/${inMemory}/${basename(path)}`, await readFile(path));
    await bench.load({ dataset: onDisk, source: folder });
    handed = [];

    const status = await bench.load({ dataset: inMemory, source: `memory:/${inMemory}` });

    expect(status.phases.embedding).toMatchObject({ state: 'completed', done: 12, failed: 0, reused: 0 });
    expect(handed).toHaveLength(12);
    expect(handed.filter((item) => !('bytes' in item))).toEqual([]);
    const names = async (dataset: string) => (await samplesOf(dataset)).map(({ filepath }) => basename(filepath));
    expect(await names(inMemory)).toEqual(await names(onDisk));
    const [there, here] = [await vectorsOf(onDisk), await vectorsOf(inMemory)];
    expect(here.map(({ seq, content, model_key }) => [seq, content, model_key])).toEqual(
      there.map(({ seq, content, model_key }) => [seq, content, model_key]),
    );
    expect(new Set(here.map(({ content }) => content)).size).toBe(12);
    for (const [i, { vector }] of here.entries()) {
      const expected = there[i]?.vector.toFloat32Array() ?? new Float32Array();
      const numbers = vector.toFloat32Array();
      expect(numbers).toHaveLength(expected.length);
      expect(Math.max(...numbers.map((number, at) => Math.abs(number - (expected[at] ?? NaN))))).toBeLessThan(1e-6);
    }
  });

  it('are reused where a file was put again with the content that it had', async () => {
    const { dataset, source, paths } = await newPictures(6);
    await bench.load({ dataset, source });
    const before = await vectorsOf(dataset);
    for (const [n, path] of paths.slice(0, 4).entries()) memory.put(path, await drawPicture(n));
    computed = 0;

    const status = await bench.load({ dataset, source });

    expect(status.phases.indexing.outcomes).toMatchObject({ changed: 4, unchanged: 2 });
    expect(status.phases.embedding).toMatchObject({ state: 'completed', done: 4, total: 4, reused: 4 });
    expect(computed).toBe(0);
    const after = await vectorsOf(dataset);
    const lasting = ({ seq, sample_id, content, vector }: (typeof before)[number]) => ({
      seq,
      sample_id,
      content,
      numbers: [...vector.toFloat32Array()],
    });
    expect(after.map(lasting)).toEqual(before.map(lasting));
    expect(after.map(({ version }) => version)).toEqual(
      (await samplesOf(dataset)).map(({ source: facts }) => facts.fingerprint),
    );
    // All vectors fit now, so nothing is left to check.
    expect((await bench.load({ dataset, source })).phases.embedding).toMatchObject({ total: 0 });
  });
});

describe('a picture in memory that is broken', () => {
  it('fails with a code, and a retry mends it once there is a good one', async () => {
    const { dataset, source, paths } = await newPictures(5);
    const [text = '', cut = '', asItIs = ''] = paths;
    const whole = await drawPicture(1);
    memory.put(text, Buffer.from('not a picture'));
    // Its header can be read, its pixels can't.
    memory.put(cut, whole.subarray(0, whole.length - 200));
    memory.put(asItIs, Buffer.alloc(0));
    const load = await bench.load({ dataset, source });
    expect(load.state).toBe('completed');
    expect(load.phases.indexing).toMatchObject({ done: 3, failed: 2, total: 5 });
    expect(load.phases.embedding).toMatchObject({ done: 2, failed: 1, total: 3 });
    const codes = async () => (await samplesOf(dataset)).map(({ error }) => error && `${error.stage}: ${error.code}`);
    const [ofText, ofCut, ofEmpty, ...others] = await codes();
    expect([ofText, ofCut]).toEqual(['indexing: not_an_image', 'embedding: decode_failed']);
    expect(ofEmpty).toMatch(/^indexing: \w+$/);
    expect(others).toEqual([undefined, undefined]);

    memory.put(text, await drawPicture(0));
    memory.put(cut, whole);
    const status = await bench.wait((await bench.retry(dataset)).job_id);

    expect(status).toMatchObject({ kind: 'retry', state: 'completed' });
    expect(status.phases.indexing).toMatchObject({ done: 2, failed: 1, total: 3 });
    expect(status.phases.embedding).toMatchObject({ done: 2, failed: 0, total: 2 });
    expect(await codes()).toEqual([undefined, undefined, ofEmpty, undefined, undefined]);
    expect((await vectorsOf(dataset)).map(({ seq }) => seq)).toEqual([0, 1, 3, 4]);
  });

  it('is not read again while its source is not there', async () => {
    const { dataset, source, paths } = await newPictures(2);
    memory.put(paths[0] ?? '', Buffer.from('not a picture'));
    await bench.load({ dataset, source });
    const before = await samplesOf(dataset);
    memory.setPresent(source, false);

    const status = await bench.wait((await bench.retry(dataset)).job_id);

    expect(status).toMatchObject({ state: 'failed', error: { code: 'SourceNotFound' } });
    expect(await samplesOf(dataset)).toEqual(before);
  });
});

describe('an embedding of files in memory', () => {
  it('fails for files that went away since they were indexed, and for them alone', async () => {
    const { dataset, source, paths } = await newPictures(4);
    await bench.load({ dataset, source, embed: false });
    memory.remove(paths[2] ?? '');

    const status = await bench.embed({ dataset });

    expect(status).toMatchObject({ kind: 'embed', state: 'completed' });
    expect(status.phases.embedding).toMatchObject({ done: 3, failed: 1, total: 4 });
    expect((await samplesOf(dataset)).map(({ error }) => error?.code)).toEqual([
      undefined,
      undefined,
      'file_not_found',
      undefined,
    ]);
    expect((await vectorsOf(dataset)).map(({ seq }) => seq)).toEqual([0, 1, 3]);
  });
});

describe('a deletion of a dataset in memory', () => {
  it('removes all that is stored of it, and no file', async () => {
    const { dataset, source, paths } = await newPictures(4);
    await bench.load({ dataset, source });

    const status = await bench.wait((await bench.deleteDataset(dataset)).job_id);

    expect(status).toMatchObject({ kind: 'delete', state: 'completed', removed: { samples: 4, vectors: 4 } });
    expect(await samplesOf(dataset)).toEqual([]);
    expect(await vectorsOf(dataset)).toEqual([]);
    expect(await collectionsOf(bench.store).datasets.findOne({ _id: dataset })).toBeNull();
    for (const path of paths) expect(await memory.stat({ path })).toBeDefined();
    const again = await bench.load({ dataset, source });
    expect(again.phases.indexing.outcomes).toMatchObject({ added: 4 });
    expect((await samplesOf(dataset)).map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
  });
});
