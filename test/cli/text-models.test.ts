import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { modelRoutes } from '../../api/models/models.ts';
import { settingsFrom } from '../../api/settings.ts';
import { checkModels } from '../../cli/doctor/check-machine.ts';
import { knownMedia } from '../../core/media/registry.ts';
import { settingsFromEnvironment } from '../../inference/settings.ts';
import { makeColourWordsModel } from '../support/colour-words.ts';
import { writeSentencesModel } from '../support/sentences-model.ts';

let folder: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'text-models-'));
  env = { PLIMSOLL_MODELS: folder, PLIMSOLL_CACHE: join(folder, 'no-cache'), MONGODB_URI: 'mongodb://unused' };
  await writeSentencesModel(join(folder, 'org', 'sentences'));
  await makeColourWordsModel(join(folder, 'colours'));
  await mkdir(join(folder, 'broken'));
  await writeFile(join(folder, 'broken', 'tokenizer.json'), '{}');
  await mkdir(join(folder, 'pictures'));
});
afterAll(() => rm(folder, { recursive: true }));

test('the API names the media that each model can embed', async () => {
  const routes = modelRoutes({ settings: await settingsFrom(env), media: knownMedia(env) });
  expect(await (await routes.request('/api/models')).json()).toEqual({
    models: [
      { name: 'built-in', built_in: true, media: ['image', 'text'] },
      { name: 'colours', built_in: false, media: ['image'] },
      { name: 'org/sentences', built_in: false, media: ['text'] },
    ],
    default: 'built-in',
  });
});

test('doctor lists models of all media, and says what a broken one lacks for each', async () => {
  const checks = await checkModels(settingsFromEnvironment(env), env);
  expect(checks.map(({ name, state }) => [name, state]).sort()).toEqual([
    ['Model broken', 'warning'],
    ['Model color-gradient-grid', 'ok'],
    ['Model colours', 'ok'],
    ['Model hashed-words', 'ok'],
    ['Model org/sentences', 'ok'],
  ]);
  const broken = JSON.stringify(checks.find(({ name }) => name === 'Model broken'));
  expect(broken).toMatch(
    /for images: .*preprocessor_config\.json is missing.*for chunks: .*tokenizer_config\.json is missing/,
  );
});
