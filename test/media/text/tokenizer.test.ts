import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTokenizer } from '../../../core/media/text/tokenizer.ts';
import { temporaryFolder } from '../../inference/tiny-models.ts';
import { idsOf, LETTERS, LETTERS_CONFIG, writeTokenizer } from './letters.ts';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => rm(folder, { recursive: true }));

const CONFIG = LETTERS_CONFIG;
const MASKED = { fixedTokens: undefined, hasMask: true };
const UNMASKED = { fixedTokens: undefined, hasMask: false };

async function read(
  config: object,
  graph: { fixedTokens: number | undefined; hasMask: boolean },
  tokenizer: object = LETTERS,
) {
  const files = await writeTokenizer(folder, tokenizer, config);
  return readTokenizer(...files, graph);
}

test('words that are too many are cut off, and the special tokens stay', async () => {
  const { encode } = await read(CONFIG, MASKED);
  expect(encode('ab')).toEqual(idsOf('<s>', 'a', 'b', '</s>'));
  expect(encode('abab')).toEqual(idsOf('<s>', 'a', 'b', 'a', 'b', '</s>'));
  expect(encode('ababa')).toEqual(idsOf('<s>', 'a', 'b', 'a', 'b', '</s>'));
});

test('a tokenizer without special tokens has room for more words', async () => {
  const { encode } = await read(CONFIG, MASKED, { ...LETTERS, post_processor: null });
  expect(encode('abababab')).toEqual(idsOf('a', 'b', 'a', 'b', 'a', 'b'));
});

test('letters without a token are skipped', async () => {
  const { encode } = await read(CONFIG, MASKED);
  expect(encode('aéb')).toEqual(idsOf('<s>', 'a', 'b', '</s>'));
});

test('a long text is looked at only as far as 100 characters for each token', async () => {
  const { encode } = await read(CONFIG, MASKED);
  expect(encode(`${'?'.repeat(599)}ab`)).toEqual(idsOf('<s>', 'a', '</s>'));
});

test.each<{ what: string; config: object; graph: Parameters<typeof read>[1]; tokens: number; toTokens?: number }>([
  { what: 'the config', config: CONFIG, graph: MASKED, tokens: 6 },
  { what: 'one word', config: { ...CONFIG, model_max_length: 3 }, graph: MASKED, tokens: 3 },
  {
    what: 'a graph that reads fewer',
    config: CONFIG,
    graph: { fixedTokens: 4, hasMask: true },
    tokens: 4,
    toTokens: 4,
  },
  { what: 'a graph that reads more', config: CONFIG, graph: { fixedTokens: 8, hasMask: true }, tokens: 6, toTokens: 8 },
  {
    what: 'a graph alone',
    config: { ...CONFIG, model_max_length: 1e30 },
    graph: { fixedTokens: 8, hasMask: true },
    tokens: 8,
    toTokens: 8,
  },
  {
    what: "the config's limit for CLIP",
    config: { ...CONFIG, tokenizer_class: 'CLIPTokenizer' },
    graph: UNMASKED,
    tokens: 6,
    toTokens: 6,
  },
  {
    what: 'CLIP',
    config: { tokenizer_class: 'CLIPTokenizer', model_max_length: null, pad_token: { content: '<pad>' } },
    graph: UNMASKED,
    tokens: 77,
    toTokens: 77,
  },
  {
    what: 'CLIP with a mask',
    config: { tokenizer_class: 'CLIPTokenizerFast', pad_token: '<pad>' },
    graph: MASKED,
    tokens: 77,
  },
  {
    what: 'SigLIP',
    config: { tokenizer_class: 'SiglipTokenizer', pad_token: '</s>' },
    graph: UNMASKED,
    tokens: 64,
    toTokens: 64,
  },
  {
    what: 'SigLIP 2',
    config: { tokenizer_class: 'GemmaTokenizerFast', model_max_length: 1e30, pad_token: '<pad>' },
    graph: UNMASKED,
    tokens: 64,
    toTokens: 64,
  },
])('$what: $tokens tokens at most, rows of $toTokens', async ({ config, graph, tokens, toTokens }) => {
  const { encode, padding } = await read(config, graph);
  expect(encode('a'.repeat(100))).toHaveLength(tokens);
  expect(padding.toTokens).toBe(toTokens);
});

test('SigLIP reads lower-cased words, unless its config says otherwise', async () => {
  const siglip = { tokenizer_class: 'SiglipTokenizer', pad_token: '</s>' };
  expect((await read(siglip, UNMASKED)).encode('A')).toEqual(idsOf('<s>', 'a', '</s>'));
  expect((await read({ ...siglip, do_lower_case: false }, UNMASKED)).encode('A')).toEqual(idsOf('<s>', 'A', '</s>'));
  expect((await read(CONFIG, MASKED)).encode('A')).toEqual(idsOf('<s>', 'A', '</s>'));
});

test.each<{ what: string; config: object; graph?: typeof MASKED; says: string }>([
  { what: 'a list instead of fields', config: [], says: 'the content: ' },
  { what: 'no limit', config: { ...CONFIG, model_max_length: undefined }, says: 'model_max_length: missing' },
  { what: 'an unknown limit', config: { ...CONFIG, model_max_length: 1e30 }, says: 'model_max_length: missing' },
  { what: 'a limit of no words', config: { ...CONFIG, model_max_length: 2 }, says: 'model_max_length' },
  { what: 'a limit that is no number', config: { ...CONFIG, model_max_length: 'long' }, says: 'model_max_length' },
  { what: 'no padding', config: { ...CONFIG, pad_token: undefined }, says: 'pad_token' },
  { what: 'padding outside the vocabulary', config: { ...CONFIG, pad_token: '[PAD]' }, says: 'pad_token' },
  { what: 'padding on the left', config: { ...CONFIG, padding_side: 'left' }, says: 'padding_side' },
  { what: 'cutting off on the left', config: { ...CONFIG, truncation_side: 'left' }, says: 'truncation_side' },
  { what: 'an unknown class and no mask', config: CONFIG, graph: UNMASKED, says: 'LetterTokenizer' },
  {
    what: 'no class and no mask',
    config: { ...CONFIG, tokenizer_class: undefined },
    graph: UNMASKED,
    says: 'attention_mask',
  },
  { what: 'SigLIP with a mask', config: { ...CONFIG, tokenizer_class: 'SiglipTokenizer' }, says: 'attention_mask' },
])('a config with $what is refused, and the error says "$says"', async ({ config, graph = MASKED, says }) => {
  await expect(read(config, graph)).rejects.toMatchObject({
    code: 'ModelInvalid',
    message: expect.stringMatching(new RegExp(`tokenizer_config\\.json: .*${says}`)),
  });
});

test.each([
  { what: 'without a model', json: { ...LETTERS, model: {} } },
  { what: 'with an unknown step', json: { ...LETTERS, pre_tokenizer: { type: 'Telepathy' } } },
  {
    what: 'with a special token outside its vocabulary',
    json: { ...LETTERS, model: { ...LETTERS.model, vocab: { a: 0 } } },
  },
])('a tokenizer.json $what is refused', async ({ json }) => {
  await expect(read(CONFIG, MASKED, json)).rejects.toMatchObject({
    code: 'ModelInvalid',
    message: expect.stringContaining('tokenizer.json: '),
  });
});
