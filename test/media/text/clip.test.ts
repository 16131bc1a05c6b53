import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ValuePreparation } from '../../../core/media/preparation.ts';
import { openPreparation } from '../../../core/media/text/preparation.ts';
import { temporaryFolder } from '../../inference/tiny-models.ts';
import { Unavailable } from '../../support/wheel-file.ts';
import { writeClipTokenizer } from './clip-tokenizer.ts';

/** Tokens that transformers makes with CLIP's vocabulary. clip/make-expected.py recorded them. */
interface Expected {
  texts: string[];
  tokens: number[][];
  first_three: Record<'full' | 'longest', { input_ids: number[][]; attention_mask: number[][] }>;
}

let folder: string;
let expected: Expected;
let withMask: ValuePreparation;
let withoutMask: ValuePreparation;
let missing: string | undefined;

beforeAll(async () => {
  folder = await temporaryFolder();
  expected = JSON.parse(await readFile(new URL('clip/expected.json', import.meta.url), 'utf8'));
  try {
    await writeClipTokenizer(folder);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    missing = error.message;
    return;
  }
  withMask = await open(['input_ids', 'attention_mask']);
  withoutMask = await open(['input_ids']);
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(({ skip }) => skip(missing !== undefined, `CLIP's tokens are not checked: ${missing}`));

const open = (inputs: readonly string[]) =>
  openPreparation({
    graphFile: 'text_model.onnx',
    files: [join(folder, 'tokenizer.json'), join(folder, 'tokenizer_config.json')],
    inputs: inputs.map((name) => ({ name, type: 'int64', shape: ['batch', 'tokens'] })),
    options: null,
  });

test('texts have the tokens that transformers gives them, cut off after 77', async () => {
  const words = expected.texts.map((text, i) => ({ text, tokens: expected.tokens[i] }));
  const filled = words.filter(({ text }) => text.trim() !== '');
  expect(filled).toHaveLength(words.length - 2);
  for (const { text, tokens } of filled)
    expect({ text, tokens: await withMask.prepare(text) }).toEqual({ text, tokens });
});

test('a graph with a mask gets rows of the longest text', async () => {
  expect(await rowsOf(withMask)).toEqual(expected.first_three.longest);
});

test('a graph without a mask gets rows of 77 tokens', async () => {
  const { input_ids } = expected.first_three.full;
  expect(await rowsOf(withoutMask)).toEqual({ input_ids });
});

/** The graph's inputs for the first three texts, as rows of numbers. */
async function rowsOf(preparation: ValuePreparation) {
  const texts = expected.texts.slice(0, 3);
  const prepared = await Promise.all(texts.map((text) => preparation.prepare(text)));
  return Object.fromEntries(
    Object.entries(preparation.feeds(prepared, 3)).map(([name, { elements, dims }]) => {
      const numbers = Array.from(elements as BigInt64Array, Number);
      const [rows = 0, length = 0] = dims;
      return [name, Array.from({ length: rows }, (_, row) => numbers.slice(row * length, (row + 1) * length))];
    }),
  );
}
