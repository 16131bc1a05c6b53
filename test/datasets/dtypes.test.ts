/** Two variants of one model in one dataset are two sets of vectors. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listDatasetModels } from '../../core/search/dataset-models.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { openSearcher } from '../../search/open-searcher.ts';
import { COLOURS, colourTextGraph, colourVisionGraph, makeColourWordsModel } from '../support/colour-words.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;
let model: string;
let source: string;

beforeAll(async () => {
  bench = await openWorkbench();
  model = await makeColourWordsModel(join(bench.folder, 'colours'));
  await writeFile(join(model, 'onnx', 'vision_model_fp16.onnx'), colourVisionGraph('float16'));
  await writeFile(join(model, 'onnx', 'text_model_fp16.onnx'), colourTextGraph('float16'));
  source = join(bench.folder, 'pictures');
  await mkdir(source);
  for (const [name, [r, g, b]] of Object.entries(COLOURS))
    await sharp({ create: { width: 40, height: 30, channels: 3, background: { r, g, b } } })
      .png()
      .toFile(join(source, `${name}.png`));
});
afterAll(() => bench.stop());

const count = Object.keys(COLOURS).length;
const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

async function vectorsOf(dataset: string, key: string): Promise<Float32Array[]> {
  const found = collectionsOf(bench.store).embeddings.find({ dataset_id: dataset, model_key: key }).sort({ seq: 1 });
  return (await found.toArray()).map(({ vector }) => vector.toFloat32Array());
}

it('have keys of their own, and vectors that are near each other', async () => {
  const dataset = bench.newDataset();
  expect(await bench.load({ dataset, source, model })).toMatchObject({
    state: 'completed',
    phases: { embedding: { done: count, model_key: expect.stringMatching(/^colours@/) } },
  });
  expect(await bench.embed({ dataset, model: `${model}:fp16` })).toMatchObject({
    state: 'completed',
    phases: { embedding: { done: count, reused: 0, model_key: expect.stringMatching(/^colours:fp16@/) } },
  });
  const { models } = await listDatasetModels(bench.store, dataset);
  expect(models.map(({ name, vectors, serves }) => ({ name, vectors, serves }))).toEqual([
    { name: 'colours', vectors: count, serves: true },
    { name: 'colours:fp16', vectors: count, serves: false },
  ]);
  const [plain = [], half = []] = await Promise.all(models.map(({ key }) => vectorsOf(dataset, key)));
  expect(plain).toHaveLength(count);
  for (const [i, vector] of plain.entries()) expect(cosine(vector, half[i] as Float32Array)).toBeGreaterThan(0.999);
  expect(half).not.toEqual(plain);

  // A second time, there is nothing to do: the name of the variant finds its vectors.
  expect(await bench.embed({ dataset, model: `${model}:fp16` })).toMatchObject({ phases: { embedding: { total: 0 } } });
  // fp32 is the plain graph: its vectors are there.
  expect(await bench.embed({ dataset, model: `${model}:fp32` })).toMatchObject({ phases: { embedding: { total: 0 } } });
  expect((await listDatasetModels(bench.store, dataset)).models).toHaveLength(2);

  await using searcher = closing(openSearcher({ store: bench.store, modelFolders: [bench.folder] }));
  for (const asked of ['colours', 'colours:fp16', `${model}:fp16`, models[1]?.key]) {
    const { model_key, hits } = await searcher.search({ dataset, text: 'a blue one', limit: 1, model: asked });
    expect(model_key, asked).toBe(models[asked === 'colours' ? 0 : 1]?.key);
    expect(hits[0]?.filepath, asked).toBe(join(source, 'blue.png'));
  }
});

it('that is not there fails the embedding with the name of its file', async () => {
  const dataset = bench.newDataset();
  expect(await bench.load({ dataset, source, model: `${model}:q4` })).toMatchObject({
    state: 'failed',
    error: { code: 'ModelNotFound', message: expect.stringContaining('no vision_model_q4.onnx') },
  });
});

function closing<T extends { close(): Promise<void> }>(each: T): T & AsyncDisposable {
  return Object.assign(each, { [Symbol.asyncDispose]: () => each.close() });
}
