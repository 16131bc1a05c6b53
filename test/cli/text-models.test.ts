import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { modelRoutes, requireModel } from '../../api/models/models.ts';
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
  await writeFile(join(folder, 'colours', 'onnx', 'vision_model_q4.onnx'), '');
  await mkdir(join(folder, 'broken'));
  await writeFile(join(folder, 'broken', 'tokenizer.json'), '{}');
  await mkdir(join(folder, 'pictures'));
});
afterAll(() => rm(folder, { recursive: true }));

test('the API names the media that each model can embed', async () => {
  const routes = modelRoutes({ settings: await settingsFrom(env), media: knownMedia(env) });
  expect(await (await routes.request('/api/models')).json()).toEqual({
    models: [
      { name: 'built-in', built_in: true, media: ['image', 'text'], dtypes: [] },
      { name: 'colours', built_in: false, media: ['image'], dtypes: ['fp32', 'q4'] },
      { name: 'org/sentences', built_in: false, media: ['text'], dtypes: ['fp32'] },
    ],
    default: 'built-in',
  });
});

test('the API names a model that has variants and no plain graph', async () => {
  const models = join(folder, '..', `${basename(folder)}-variants`);
  await mkdir(join(models, 'my-clip', 'onnx'), { recursive: true });
  try {
    await writeFile(join(models, 'my-clip', 'preprocessor_config.json'), '{}');
    for (const dtype of ['fp16', 'quantized'])
      await writeFile(join(models, 'my-clip', 'onnx', `vision_model_${dtype}.onnx`), '');
    const settings = await settingsFrom({ ...env, PLIMSOLL_MODELS: models });
    const routes = modelRoutes({ settings, media: knownMedia(env) });
    expect(((await (await routes.request('/api/models')).json()) as { models: unknown[] }).models[1]).toEqual({
      name: 'my-clip',
      built_in: false,
      media: ['image'],
      dtypes: ['fp16', 'q8'],
    });
    const withVariant = join(models, 'my-clip:fp16');
    await expect(requireModel(withVariant, settings.modelFolders)).resolves.toBeUndefined();
    await symlink(folder, join(models, 'outside'));
    for (const outside of ['/elsewhere/my-clip:fp16', join(models, 'outside:fp16')])
      await expect(requireModel(outside, settings.modelFolders)).rejects.toThrow(
        'must lie below a folder of PLIMSOLL_MODELS',
      );
  } finally {
    await rm(models, { recursive: true });
  }
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
