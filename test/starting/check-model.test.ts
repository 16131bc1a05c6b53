import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkModel } from '../../cli/starting/check-model.ts';

let folder: string;
let servers: { modelFolders: string[] };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-check-model-'));
  servers = { modelFolders: [folder] };
  await cp('models/color-gradient-grid', join(folder, 'mine'), { recursive: true });
  await mkdir(join(folder, 'empty'));
});
afterAll(() => rm(folder, { recursive: true }));

it.each([
  ['one of the folders', { model: 'mine' }],
  ['one that comes with Plimsoll', { model: 'built-in' }],
  ['a path', () => ({ model: join(folder, 'mine') })],
  ['one that another queue has', { model: 'nothing', embed_task_queue: 'mine' }],
  ['one that is not asked for its vectors', { model: 'nothing', embed: false }],
  ['none', {}],
])('takes a model that is there, or that workers elsewhere may have: %s', async (_, request) => {
  await expect(checkModel(typeof request === 'function' ? request() : request, servers)).resolves.toBeUndefined();
});

it.each([
  ['that is not there', { model: 'nothing' }, 'ModelNotFound'],
  ['whose folder is empty', { model: 'empty' }, 'ModelInvalid'],
  ['without that variant', { model: 'mine:q4' }, 'ModelNotFound'],
  ['of another medium', { model: 'mine', media: 'text' as const }, 'ModelInvalid'],
])('refuses a model %s', async (_, request, code) => {
  await expect(checkModel(request, servers)).rejects.toMatchObject({ code });
  // Workers may have it where nobody knows their folders.
  await expect(checkModel(request, { modelFolders: undefined })).resolves.toBeUndefined();
});
