import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
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
