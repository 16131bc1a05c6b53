import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EmbedItem, EmbedOutcome } from '../../core/embedding/embedder.ts';
import { documentsMedium } from '../../core/media/documents/medium.ts';
import { createEmbedder, type InferenceEmbedder } from '../../inference/embedder.ts';
import { meanOf, writeSentenceFile, writeSentencesModel } from '../support/sentences-model.ts';
import { temporaryFolder } from './tiny-models.ts';

const medium = documentsMedium();
const LIMITS = 'sentence_bert_config.json';
const POOLING = '1_Pooling/config.json';
const PROMPTS = 'config_sentence_transformers.json';
const E5 = { prompts: { query: 'query: ', passage: 'passage: ' } };

let root: string;
let folder: string;
let embedder: InferenceEmbedder;
let made = 0;

beforeAll(async () => {
  root = await temporaryFolder();
  embedder = createEmbedder({ threads: 1, batchSize: 8 });
});
afterAll(async () => {
  await embedder.close();
  await rm(root, { recursive: true });
});

/** Makes a model with these files, which the next calls use. */
async function model(files: Readonly<Record<string, unknown>> = {}): Promise<string> {
  made += 1;
  folder = await writeSentencesModel(join(root, `model-${made}`), files);
  return folder;
}

const chunk = (text: string): EmbedItem => ({ value: { text, tokens: 1 }, content: `hash of ${text}` });

function vectorOf(outcome: EmbedOutcome | undefined): number[] {
  if (outcome === undefined || !('vector' in outcome)) throw new Error(`no vector: ${JSON.stringify(outcome)}`);
  return [...outcome.vector];
}

const isVector = (vector: number[]) => vector.map((value) => expect.closeTo(value, 6));

const vectorsOf = async (...items: EmbedItem[]) => (await embedder.embed(folder, medium, items)).map(vectorOf);

describe('a model without further files', () => {
  test('gives the mean of the tokens, and not of the padding that a longer text of the batch brings', async () => {
    await model();
    expect(await vectorsOf(chunk('a'), chunk('a b c d'))).toEqual([
      isVector(meanOf('[CLS]', 'a', '[SEP]')),
      isVector(meanOf('[CLS]', 'a', 'b', 'c', 'd', '[SEP]')),
    ]);
  });

  test('puts nothing before a text, and keeps case', async () => {
    await model();
    expect(await vectorsOf(chunk('A'), { text: 'a' })).toEqual([
      isVector(meanOf('[CLS]', '[UNK]', '[SEP]')),
      isVector(meanOf('[CLS]', 'a', '[SEP]')),
    ]);
  });
});

describe('the limits', () => {
  test('cut a text off, but not the special token at its end', async () => {
    await model({ [LIMITS]: { max_seq_length: 4, do_lower_case: false } });
    expect(await vectorsOf(chunk('a b c d'))).toEqual([isVector(meanOf('[CLS]', 'a', 'b', '[SEP]'))]);
  });

  test('are never more than what the tokenizer says', async () => {
    await model({ [LIMITS]: { max_seq_length: 512 } });
    const [vector] = await vectorsOf(chunk('a '.repeat(100)));
    expect(vector).toEqual(isVector(meanOf('[CLS]', ...new Array<string>(14).fill('a'), '[SEP]')));
  });

  test('may say that words are lower-cased', async () => {
    await model({ [LIMITS]: { max_seq_length: null, do_lower_case: true } });
    expect(await vectorsOf(chunk('A'))).toEqual([isVector(meanOf('[CLS]', 'a', '[SEP]'))]);
  });
});

describe('the pooling', () => {
  test.each<[string, object, string[]]>([
    ['a flag for the first token', { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false }, ['[CLS]']],
    ['a flag for the mean', { pooling_mode_cls_token: false, pooling_mode_mean_tokens: true }, ['[CLS]', 'a', '[SEP]']],
    ['a word for the first token', { pooling_mode: 'cls' }, ['[CLS]']],
  ])('is what the file says: %s', async (_, json, tokens) => {
    await model({ [POOLING]: json });
    expect(await vectorsOf(chunk('a'))).toEqual([isVector(meanOf(...tokens))]);
  });
});

describe('the prompts', () => {
  test.each<[string, object]>([
    ['passage', E5],
    ['document', { prompts: { query: 'query: ', document: 'passage: ', passage: 'a' } }],
    ['the default', { prompts: { query: 'query: ', other: 'passage: ' }, default_prompt_name: 'other' }],
  ])('stand before a query and before a chunk (%s), and are no part of their content', async (_, json) => {
    await model({ [PROMPTS]: json });
    const outcomes = await embedder.embed(folder, medium, [chunk('a'), { text: 'a' }]);
    expect(outcomes).toMatchObject([
      { content: 'hash of a' },
      { content: createHash('sha256').update('a').digest('hex') },
    ]);
    expect(outcomes.map(vectorOf)).toEqual([
      isVector(meanOf('[CLS]', 'passage', ':', 'a', '[SEP]')),
      isVector(meanOf('[CLS]', 'query', ':', 'a', '[SEP]')),
    ]);
  });

  test('do not make a text of an empty one', async () => {
    await model({ [PROMPTS]: E5 });
    expect(await embedder.embed(folder, medium, [chunk(' '), { text: '' }])).toMatchObject([
      { error: { code: 'empty_text' } },
      { error: { code: 'empty_text' } },
    ]);
  });
});

test('each of the files is part of the revision, also one that comes while the model is in use', async () => {
  const revision = async () => (await embedder.open(folder, medium)).revision;
  await model();
  const revisions = [await revision()];
  const files = { [LIMITS]: { max_seq_length: 4 }, [POOLING]: { pooling_mode: 'cls' }, [PROMPTS]: E5 };
  for (const [name, json] of Object.entries(files)) {
    await writeSentenceFile(folder, name, json);
    revisions.push(await revision());
  }
  expect(new Set(revisions).size).toBe(4);
  expect(await vectorsOf(chunk('a b c d'))).toEqual([isVector(meanOf('[CLS]'))]);
  await rm(join(folder, PROMPTS));
  expect(await revision()).toBe(revisions[2]);
});

test('a file that can not be obeyed is an error of the model', async () => {
  await model({ [POOLING]: { pooling_mode_lasttoken: true } });
  await expect(embedder.open(folder, medium)).rejects.toMatchObject({
    code: 'ModelInvalid',
    message: expect.stringContaining(`${join(folder, POOLING)}: pooling_mode: lasttoken`),
  });
});
