import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documentsMedium } from '../../../core/media/documents/medium.ts';
import { createSources } from '../../../core/sources/source.ts';
import { writeSentencesModel } from '../../support/sentences-model.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenizer-here-'));
});
afterAll(() => rm(folder, { recursive: true }));

const mediumWith = (models: string) =>
  documentsMedium({ PLIMSOLL_MODELS: models, PLIMSOLL_CACHE: join(folder, 'no-cache') });
const load = { dataset: 'docs', model: 'minilm-l6-v2', reread: false, include: [], exclude: [] };
const expand = (medium: ReturnType<typeof documentsMedium>) =>
  medium.expand([], createSources([]), () => undefined, {
    size: 240,
    overlap: 32,
    unit: 'tokens',
    tokens_of: load.model,
  });

test('a first load with a model that the indexing worker lacks says how to fetch it', async () => {
  await expect(mediumWith(folder).choose?.(load, undefined)).rejects.toMatchObject({
    code: 'ModelNotFound',
    message: expect.stringMatching(/indexing worker: plimsoll models fetch minilm-l6-v2$/),
  });
});

test('documents whose chunks a missing tokenizer counts are not read', async () => {
  await expect(expand(mediumWith(folder))).rejects.toMatchObject({
    code: 'TokenizerNotHere',
    message: expect.stringContaining('Chunks are counted in the tokens of minilm-l6-v2, and the indexing worker'),
  });
});

test('a short name is not a model, and the error says the whole one', async () => {
  await expect(mediumWith(folder).choose?.({ ...load, model: 'minilm' }, undefined)).rejects.toMatchObject({
    code: 'ModelNotFound',
    message: expect.stringContaining('Its whole name is minilm-l6-v2.'),
  });
});

test('the tokenizer of a model that is there counts', async () => {
  await writeSentencesModel(join(folder, 'minilm-l6-v2'));
  const medium = mediumWith(folder);
  expect(await medium.choose?.(load, undefined)).toMatchObject({ unit: 'tokens', tokens_of: 'minilm-l6-v2' });
  expect(await expand(medium)).toEqual([]);
});

describe('a chunk holds no more tokens than the model reads', () => {
  const choose = (model: string, chunks?: { size: number }) =>
    mediumWith(folder).choose?.({ ...load, model, ...(chunks === undefined ? {} : { chunks }) }, undefined);

  test('by itself', async () => {
    // 16 tokens, two of them special ones.
    await writeSentencesModel(join(folder, 'short'));
    expect(await choose('short')).toMatchObject({ size: 14, overlap: 7 });
    // Two more stand before each text.
    const prompts = { prompts: { passage: 'passage: ' } };
    await writeSentencesModel(join(folder, 'prompted'), { 'config_sentence_transformers.json': prompts });
    expect(await choose('prompted')).toMatchObject({ size: 12 });
    await writeSentencesModel(join(folder, 'limited'), { 'sentence_bert_config.json': { max_seq_length: 8 } });
    expect(await choose('limited')).toMatchObject({ size: 6 });
  });

  test('whatever is asked for', async () => {
    await writeSentencesModel(join(folder, 'short'));
    expect(await choose('short', { size: 14 })).toMatchObject({ size: 14 });
    await expect(choose('short', { size: 15 })).rejects.toMatchObject({
      code: 'InvalidInput',
      message:
        'short reads 14 tokens of a chunk, and would not see the rest of one of 15. Give --chunk-size 14 or less.',
    });
    const stored = { size: 14, overlap: 7, unit: 'tokens', tokens_of: 'short' };
    const again = { ...load, model: 'short', reread: true };
    await expect(mediumWith(folder).choose?.({ ...again, chunks: { size: 20 } }, stored)).rejects.toThrow(
      /reads 14 tokens/,
    );
  });

  test('and a load that changes nothing does not need the model', async () => {
    const stored = { size: 14, overlap: 7, unit: 'tokens', tokens_of: 'not-here' };
    expect(await mediumWith(folder).choose?.({ ...load, model: 'not-here' }, stored)).toEqual(stored);
  });
});
