import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { EmbedItem } from '../../core/embedding/embedder.ts';
import { memorySource } from '../../core/sources/memory/memory-source.ts';
import { createSources } from '../../core/sources/source.ts';
import { createEmbedder, type InferenceEmbedder } from '../../inference/embedder.ts';
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
  const embedder = createEmbedder({ device: { type: 'cpu' }, batchSize, threads: 2 });
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

function expectVector(outcome: unknown, text: string): void {
  const { vector, content } = outcome as { vector: Float32Array; content: string };
  expect(content).toBe(contentOfLine(text));
  expect(vector).toHaveLength(LINES_DIM);
  const expected = vectorOfLine(text);
  for (const [i, value] of vector.entries()) expect(value).toBeCloseTo(expected[i] as number, 5);
}
