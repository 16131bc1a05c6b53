import { readdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { createRoute } from '@hono/zod-openapi';
import { BUILT_IN_MODEL } from '../../contract/built-in-model.ts';
import type { Media } from '../../core/media/medium.ts';
import { findModel } from '../../core/models/find-model.ts';
import { isBelowRoots } from '../../core/sources/folder/source-roots.ts';
import type { ApiContext } from '../context.ts';
import { GUARDED, json, problems } from '../http/answers.ts';
import { newRouter } from '../http/new-router.ts';
import { problemOf } from '../problem/to-problem.ts';
import { type Models, models } from '../schemas/server.ts';

const MOST_MODELS = 200;

const modelsRoute = createRoute({
  method: 'get',
  path: '/api/models',
  tags: ['Sources and models'],
  summary: 'Models that a load may name',
  description: 'The built-in one, the folders below PLIMSOLL_MODELS, and the fetched models, as this server sees them.',
  responses: { 200: json(models, 'The models.'), ...problems(...GUARDED) },
});

export function modelRoutes({ settings, media }: Pick<ApiContext, 'settings' | 'media'>) {
  return newRouter().openapi(modelsRoute, async (c) => c.json(await listModels(settings.modelFolders, media), 200));
}

async function listModels(folders: readonly string[], media: Media): Promise<Models> {
  const found = new Map<string, string[]>();
  // The first folder that has a model of a name is the one that counts.
  for (const models of await Promise.all(folders.map((folder) => modelsIn(folder, '', media))))
    for (const model of models) if (!found.has(model.name)) found.set(model.name, model.media);
  found.delete(BUILT_IN_MODEL);
  const builtIn = media.all.filter(({ models }) => models.builtIn !== undefined).map(({ name }) => name);
  const names = [...found.keys()].sort().slice(0, MOST_MODELS);
  return {
    models: [
      { name: BUILT_IN_MODEL, built_in: true, media: builtIn },
      ...names.map((name) => ({ name, built_in: false, media: found.get(name) ?? [] })),
    ],
    default: BUILT_IN_MODEL,
  };
}

/** Lists the folders that hold a model of any medium, as `name` or `org/name`. */
async function modelsIn(root: string, below: string, media: Media): Promise<{ name: string; media: string[] }[]> {
  const entries = await readdir(join(root, below), { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).slice(0, MOST_MODELS);
  const found = await Promise.all(
    folders.map(async ({ name }) => {
      const model = join(below, name);
      const fits = await Promise.all(
        media.all.map(({ name: medium, models }) =>
          findModel(join(root, model), models).then(
            () => [medium],
            () => [],
          ),
        ),
      );
      if (fits.flat().length > 0) return [{ name: model, media: fits.flat() }];
      return below === '' ? modelsIn(root, name, media) : [];
    }),
  );
  return found.flat();
}

/** Refuses model paths outside the configured folders, because a path makes the worker read that folder. */
export async function requireModel(
  model: string | undefined,
  folders: readonly string[],
  field = 'model',
): Promise<void> {
  if (model === undefined || !isAbsolute(model) || (await isBelowRoots(model, folders))) return;
  throw problemOf(
    'InvalidInput',
    `${field}: give the name of a model. A path must lie below a folder of PLIMSOLL_MODELS, or be that of a fetched model.`,
    { errors: [{ in: 'body', field, message: 'is a path outside PLIMSOLL_MODELS' }] },
  );
}
