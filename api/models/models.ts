import { readdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { createRoute } from '@hono/zod-openapi';
import { BUILT_IN_MODEL } from '../../contract/built-in-model.ts';
import { type Dtype, parseModelName } from '../../contract/model-name.ts';
import type { Media, Medium } from '../../core/media/medium.ts';
import { findModel } from '../../core/models/find-model.ts';
import { listVariants } from '../../core/models/variants.ts';
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
  operationId: 'listModels',
  tags: ['Sources and models'],
  summary: 'Models that a load may name',
  description: 'The built-in one, the folders below PLIMSOLL_MODELS, and the fetched models, as this server sees them.',
  responses: { 200: json(models, 'The models.'), ...problems(...GUARDED) },
});

export function modelRoutes({ settings, media }: Pick<ApiContext, 'settings' | 'media'>) {
  return newRouter().openapi(modelsRoute, async (c) => c.json(await listModels(settings.modelFolders, media), 200));
}

async function listModels(folders: readonly string[], media: Media): Promise<Models> {
  const found = new Map<string, FoundModel>();
  // The first folder that has a model of a name is the one that counts.
  for (const models of await Promise.all(folders.map((folder) => modelsIn(folder, '', media))))
    for (const model of models) if (!found.has(model.name)) found.set(model.name, model);
  found.delete(BUILT_IN_MODEL);
  const builtIn = media.all.filter(({ models }) => models.builtIn !== undefined).map(({ name }) => name);
  const names = [...found.keys()].sort().slice(0, MOST_MODELS);
  return {
    models: [
      { name: BUILT_IN_MODEL, built_in: true, media: builtIn, dtypes: [] },
      ...names.map((name) => ({ ...(found.get(name) as FoundModel), built_in: false })),
    ],
    default: BUILT_IN_MODEL,
  };
}

interface FoundModel {
  name: string;
  media: string[];
  dtypes: Dtype[];
}

/** Lists the folders that hold a model of any medium, as `name` or `org/name`. */
async function modelsIn(root: string, below: string, media: Media): Promise<FoundModel[]> {
  const entries = await readdir(join(root, below), { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).slice(0, MOST_MODELS);
  const found = await Promise.all(
    folders.map(async ({ name }) => {
      const model = join(below, name);
      const fits = await Promise.all(media.all.map((medium) => fitOf(join(root, model), medium)));
      const fitting = fits.filter((fit) => fit !== undefined);
      if (fitting.length > 0)
        return [
          {
            name: model,
            media: fitting.map((fit) => fit.medium),
            dtypes: [...new Set(fitting.flatMap((fit) => fit.dtypes))],
          },
        ];
      return below === '' ? modelsIn(root, name, media) : [];
    }),
  );
  return found.flat();
}

/** The variants of a model for a medium. Undefined if the folder holds no model for it, in any variant. */
async function fitOf(
  directory: string,
  { name, models }: Medium,
): Promise<{ medium: string; dtypes: Dtype[] } | undefined> {
  const dtypes = [...(await listVariants(directory, models.graphs)).keys()];
  const names = [directory, ...dtypes.slice(0, 1).map((dtype) => `${directory}:${dtype}`)];
  for (const each of names) {
    const files = await findModel(each, models).catch(() => undefined);
    if (files !== undefined) return { medium: name, dtypes };
  }
  return undefined;
}

/** Refuses model paths outside the configured folders, because a path makes the worker read that folder. */
export async function requireModel(
  model: string | undefined,
  folders: readonly string[],
  field = 'model',
): Promise<void> {
  if (model === undefined || !isAbsolute(model)) return;
  // The variant behind it is no part of the path.
  if (await isBelowRoots(parseModelName(model).name, folders)) return;
  throw problemOf(
    'InvalidInput',
    `${field}: give the name of a model. A path must lie below a folder of PLIMSOLL_MODELS, or be that of a fetched model.`,
    { errors: [{ in: 'body', field, message: 'is a path outside PLIMSOLL_MODELS' }] },
  );
}
