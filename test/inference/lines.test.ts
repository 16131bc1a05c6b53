import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { EmbedItem } from '../../core/embedding/embedder.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import { memorySource } from '../../core/sources/memory/memory-source.ts';
import { createSources } from '../../core/sources/source.ts';
import { createEmbedder, type InferenceEmbedder } from '../../inference/embedder.ts';
import { createGraph, type GraphBuilder, type ValueName } from '../../scripts/onnx.ts';
import { contentOfLine, LINES_DIM, linesMedium, vectorOfLine, writeLinesModel } from '../support/lines-medium.ts';
import { temporaryFolder } from './tiny-models.ts';

const lines = linesMedium();

let folder: string;
let model: string;
const embedders: InferenceEmbedder[] = [];

beforeAll(async () => {
  folder = await temporaryFolder();
  model = await writeLinesModel(join(folder, 'lines'));
});

afterAll(() => rm(folder, { recursive: true }));
afterEach(() => Promise.all(embedders.splice(0).map((embedder) => embedder.close())));

function embedderWith(batchSize: number): InferenceEmbedder {
  const embedder = createEmbedder({ devices: [{ type: 'cpu' }], batchSize, threads: 2 });
  embedders.push(embedder);
  return embedder;
}

function itemsOf(texts: readonly string[]): EmbedItem[] {
  return texts.map((text) => ({ value: { format: 'lines', text }, content: contentOfLine(text) }));
}

/** Texts of very different lengths, the short ones beside the long ones. */
const TEXTS = [
  'a',
  'A sentence of some words.',
  'zz',
  'x'.repeat(1000),
  'Grüße, 世界',
  'two',
  '\t \u0001',
  'The quick brown fox jumps over the lazy dog. '.repeat(8),
  'end',
];

test('a model of another medium is opened', async () => {
  expect(await embedderWith(4).open(model, lines)).toMatchObject({ name: 'lines', dim: LINES_DIM, batchSize: 4 });
});

test.each([1, 3, 32])('lines of all lengths, %i at a time: the mean over tokens that are no padding', async (batch) => {
  const outcomes = await embedderWith(batch).embed(model, lines, itemsOf(TEXTS));
  expect(outcomes).toHaveLength(TEXTS.length);
  for (const [i, text] of TEXTS.entries()) expectVector(outcomes[i], text);
});

test('a graph that gives half floats', async () => {
  const half = await writeLinesModel(join(folder, 'half'), 'float16');
  const outcomes = await embedderWith(4).embed(half, lines, itemsOf(TEXTS));
  for (const [i, text] of TEXTS.entries()) expectVector(outcomes[i], text);
});

test('a folder that is a model of one medium is none of another, although it is open', async () => {
  const embedder = embedderWith(4);
  expect(await embedder.open(model, lines)).toMatchObject({ dim: LINES_DIM });
  await expect(embedder.open(model, imagesMedium())).rejects.toMatchObject({ code: 'ModelInvalid' });
  expect(embedder.childPids()).toHaveLength(1);
});

test('a graph whose vectors are longer for some lines gives those no vectors', async () => {
  const flat = await writeGraph('flat', 2, (graph, floats) => graph.apply('Identity', [floats], {}, 'vectors'));
  const embedder = embedderWith(3);
  // The graph is tried with a line of one token when it is loaded.
  expect(await embedder.open(flat, lines)).toMatchObject({ dim: 1 });
  const outcomes = await embedder.embed(flat, lines, itemsOf(['a', 'ab', 'c']));
  expect(outcomes).toEqual([
    { vector: Float32Array.of(1), content: contentOfLine('a') },
    { error: { code: 'inference_failed', message: expect.stringMatching(/of 2 numbers, and of 1 before/) } },
    { vector: Float32Array.of(1), content: contentOfLine('c') },
  ]);
});

test('a graph that gives a vector a token where it declares one an item is an invalid model', async () => {
  const liar = await writeGraph('liar', 2, (graph, floats) => {
    const shape = graph.apply('Concat', [graph.apply('Shape', [floats]), graph.constant('int64', [1], [1])], {
      axis: 0,
    });
    // How many numbers it lets through is not known before it runs.
    const hidden = graph.apply('Compress', [shape, graph.constant('bool', [3], [1, 1, 1])], { axis: 0 });
    return graph.apply('Reshape', [floats, hidden], {}, 'vectors');
  });
  await expect(embedderWith(3).open(liar, lines)).rejects.toMatchObject({
    code: 'ModelInvalid',
    message: expect.stringContaining('[1, 1, 1]'),
  });
});

test('a graph that gives other tokens than its mask has is an invalid model', async () => {
  const longer = await writeGraph('longer', 3, (graph, floats) => {
    const twice = graph.apply('Concat', [floats, floats], { axis: 1 });
    return graph.apply('Unsqueeze', [twice, graph.constant('int64', [1], [2])], {}, 'last_hidden_state');
  });
  await expect(embedderWith(3).open(longer, lines)).rejects.toMatchObject({
    code: 'ModelInvalid',
    message: expect.stringMatching(/\[1, 2, 1\] for an attention_mask of \[1, 1\]/),
  });
});

test('a value that is no line is an outcome; those beside it have their vectors', async () => {
  const [first, second] = itemsOf(['one', 'two']) as [EmbedItem, EmbedItem];
  const bad = { value: undefined, content: contentOfLine('') };
  const outcomes = await embedderWith(4).embed(model, lines, [first, bad, second]);
  expectVector(outcomes[0], 'one');
  expect(outcomes[1]).toEqual({ error: { code: 'not_a_line', message: expect.any(String) } });
  expectVector(outcomes[2], 'two');
});

test('known lines are not encoded', async () => {
  const asked: string[][] = [];
  const outcomes = await embedderWith(4).embed(model, lines, itemsOf(['one', 'two', 'one']), {
    async findKnown(contents) {
      asked.push([...contents]);
      return new Set([contentOfLine('one')]);
    },
  });
  expect(asked).toEqual([['one', 'two', 'one'].map(contentOfLine)]);
  expect(outcomes[0]).toEqual({ known: true, content: contentOfLine('one') });
  expectVector(outcomes[1], 'two');
  expect(outcomes[2]).toEqual({ known: true, content: contentOfLine('one') });
});

test('a file is expanded into its lines; a file without lines and a file that is gone are errors', async () => {
  const memory = memorySource();
  memory.put('memory:/a/many.lines', new TextEncoder().encode('one\n\ntwo\none'));
  memory.put('memory:/a/empty.lines', new Uint8Array());
  memory.put('memory:/a/blank.lines', new TextEncoder().encode('\n\n'));
  const names = ['many', 'empty', 'blank', 'gone'];
  const files = names.map((name) => ({ path: `memory:/a/${name}.lines`, size: 0 }));
  const itemOf = (text: string) => ({ metadata: { format: 'lines', text }, content: contentOfLine(text) });
  const empty = { error: { code: 'empty_file', message: expect.any(String) } };
  expect(await lines.expand(files, createSources([memory]), () => {})).toEqual([
    { items: [itemOf('one'), itemOf('two'), itemOf('one')] },
    empty,
    empty,
    { error: { code: 'file_not_found', message: expect.any(String) } },
  ]);
});

/** A model whose output is made of the tokens as floats, [batch, tokens], and is declared to have `rank` dimensions. */
async function writeGraph(
  name: string,
  rank: 2 | 3,
  body: (graph: GraphBuilder, floats: ValueName) => ValueName,
): Promise<string> {
  const graph = createGraph({ name });
  const tokens = graph.input('input_ids', 'int64', ['batch', 'tokens']);
  graph.input('attention_mask', 'int64', ['batch', 'tokens']);
  const output = body(graph, graph.apply('Cast', [tokens], { to: 1 }));
  graph.output(output, 'float32', rank === 2 ? ['batch', 'dim'] : ['batch', 'more_tokens', 'dim']);
  await mkdir(join(folder, name));
  await writeFile(join(folder, name, 'model.onnx'), graph.encode());
  return join(folder, name);
}

function expectVector(outcome: unknown, text: string): void {
  const { vector, content } = outcome as { vector: Float32Array; content: string };
  expect(content).toBe(contentOfLine(text));
  expect(vector).toHaveLength(LINES_DIM);
  const expected = vectorOfLine(text);
  for (const [i, value] of vector.entries()) expect(value).toBeCloseTo(expected[i] as number, 5);
}
