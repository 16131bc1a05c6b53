import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSentenceFiles } from '../../../core/media/text/sentence-files.ts';

const LIMITS = 'sentence_bert_config.json';
const POOLING = '1_Pooling/config.json';
const PROMPTS = 'config_sentence_transformers.json';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sentence-files-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(files: Readonly<Record<string, unknown>>) {
  const paths: Record<string, string> = {};
  for (const [i, [name, json]] of Object.entries(files).entries()) {
    const path = join(folder, `${i}-${basename(name)}`);
    await writeFile(path, JSON.stringify(json));
    paths[name] = path;
  }
  return readSentenceFiles(paths);
}

test('without the files, a text is taken as it is, and its mean', async () => {
  expect(await read({})).toEqual({ pooling: 'mean', prompts: { query: '', passage: '' } });
});

test.each<[string, object, string]>([
  [POOLING, { pooling_mode_lasttoken: true }, 'pooling_mode: lasttoken; cls or mean is supported'],
  [POOLING, { pooling_mode: 'max' }, 'pooling_mode: max; cls or mean'],
  [POOLING, { pooling_mode_cls_token: true, pooling_mode_max_tokens: true }, 'pooling_mode: cls and max; cls or mean'],
  [POOLING, { word_embedding_dimension: 11 }, 'pooling_mode: none; cls or mean'],
  [LIMITS, { max_seq_length: 0 }, 'max_seq_length: '],
  [PROMPTS, { prompts: { query: 7 } }, 'prompts.query: '],
  [PROMPTS, { prompts: {}, default_prompt_name: 'web' }, 'default_prompt_name: prompts has no "web"'],
])('a %s with %j is refused', async (name, json, words) => {
  await expect(read({ [name]: json })).rejects.toMatchObject({
    code: 'ModelInvalid',
    message: expect.stringContaining(`${basename(name)}: ${words}`),
  });
});

test('a mean without the tokens of the prompt is refused, if there is a prompt', async () => {
  const pooling = { pooling_mode_mean_tokens: true, include_prompt: false };
  await expect(read({ [POOLING]: pooling, [PROMPTS]: { prompts: { query: 'query: ' } } })).rejects.toMatchObject({
    code: 'ModelInvalid',
    message: expect.stringContaining('config.json: include_prompt: '),
  });
  expect(await read({ [POOLING]: pooling, [PROMPTS]: { prompts: { query: '', document: '' } } })).toMatchObject({
    pooling: 'mean',
  });
});
