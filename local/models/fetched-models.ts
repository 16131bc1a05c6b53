/** The models that were fetched onto this machine. Each has a manifest beside its files. */
import { mkdir, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Dtype } from '../../contract/model-name.ts';
import { syncFolder } from '../../core/artifact/write-durably.ts';
import { systemErrorCode, UserError } from '../../core/errors.ts';
import { fetchedModelsFolder } from '../../core/models/model-folders.ts';
import { writeSynced } from '../download/write-synced.ts';
import { type LockOptions, withProcessLock } from '../process-lock.ts';
import { graphsOfVariant, isWeightsOf, plainGraphsIn, variantsIn } from './variant-files.ts';

const MANIFEST = 'plimsoll-model.json';

const manifestSchema = z.object({
  /** The repository on the hub, or the first of the packages. */
  repository: z.string(),
  /** The commit, or the version of the first package. */
  revision: z.string(),
  /** The packages that the model came from, as `name==1.2.3`. Absent if it came from the hub. */
  packages: z.array(z.string()).optional(),
  fetched_at: z.string(),
  files: z.array(
    z.object({
      path: z.string(),
      size: z.int(),
      hash: z.union([z.object({ sha256: z.string() }), z.object({ git_sha1: z.string() })]),
    }),
  ),
});

/** A fetched model and its origin. */
export type Manifest = z.infer<typeof manifestSchema>;

export interface FetchedModel extends Manifest {
  name: string;
  folder: string;
  sizeBytes: number;
  /** The variants that are there. */
  dtypes: Dtype[];
}

/** Paths that belong to a model's name. */
export interface ModelPlace {
  /** The model's folder. It appears whole. */
  folder: string;
  /** The folder of unfinished models. No model is found in it. */
  staging: string;
  lock: string;
}

/** Begins with a dot, so it is no model's name. */
const STAGING = '.fetching';

export function placeOf(env: NodeJS.ProcessEnv, name: string): ModelPlace {
  const root = fetchedModelsFolder(env);
  const staging = join(root, STAGING, name.replace('/', '--'));
  return { folder: join(root, name), staging, lock: `${staging}.lock` };
}

/** Reads a fetched model. Undefined if there is none of this name, or its folder was not fetched. */
export async function readFetched(env: NodeJS.ProcessEnv, name: string): Promise<FetchedModel | undefined> {
  const { folder } = placeOf(env, name);
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { success, data } = manifestSchema.safeParse(parseJson(text));
  if (!success) return undefined;
  return { ...data, name, folder, sizeBytes: sizeOf(data.files), dtypes: variantsIn(pathsOf(data)) };
}

const sizeOf = (files: Manifest['files']) => files.reduce((sum, { size }) => sum + size, 0);
const pathsOf = ({ files }: Manifest): ReadonlySet<string> => new Set(files.map(({ path }) => path));

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The fetched models, by name. */
export async function listFetched(env: NodeJS.ProcessEnv): Promise<FetchedModel[]> {
  const root = fetchedModelsFolder(env);
  const names: string[] = [];
  for (const name of await foldersIn(root)) {
    names.push(name);
    for (const inner of await foldersIn(join(root, name))) names.push(`${name}/${inner}`);
  }
  const found = await Promise.all(names.map((name) => readFetched(env, name)));
  return found.filter((model) => model !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** Whether all files of a fetched model are there, in their sizes. */
export async function isWhole({ folder, files }: FetchedModel): Promise<boolean> {
  const sizes = await Promise.all(
    files.map(({ path }) =>
      stat(join(folder, path)).then(
        ({ size }) => size,
        () => undefined,
      ),
    ),
  );
  return files.every(({ size }, i) => sizes[i] === size);
}

/** Writes the manifest of a model that is not in its place yet. */
export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  await writeSynced(join(folder, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** Replaces the manifest of a model that is in its place, at once. */
export async function replaceManifest({ folder, staging }: ModelPlace, manifest: Manifest): Promise<void> {
  await mkdir(staging, { recursive: true });
  await writeManifest(staging, manifestSchema.parse(manifest));
  await rename(join(staging, MANIFEST), join(folder, MANIFEST));
  await syncFolder(folder);
}

/**
 * Removes a fetched model, and what an unfinished download of it left. Waits for one that is under way.
 *
 * @throws UserError UnknownModel or ModelNotFetched
 */
export async function removeFetched(env: NodeJS.ProcessEnv, name: string, options: LockOptions): Promise<FetchedModel> {
  await requireFetched(env, name);
  const { folder, staging, lock } = placeOf(env, name);
  return withProcessLock(lock, options, async () => {
    const model = await requireFetched(env, name);
    await mkdir(staging, { recursive: true });
    // It vanishes at once: a model without some of its files would be found.
    await rename(folder, join(staging, 'removed'));
    await rm(staging, { recursive: true });
    if (name.includes('/')) await removeIfEmpty(dirname(folder));
    return model;
  });
}

/** The files that only this variant of a model uses. @throws UserError UnknownModel */
export function filesOfVariant(model: FetchedModel, dtype: Dtype): Manifest['files'] {
  const { name, dtypes, files } = model;
  const paths = pathsOf(model);
  const plain = plainGraphsIn(paths);
  if (plain === undefined || !dtypes.includes(dtype))
    throw new UserError(
      'UnknownModel',
      `The variant ${dtype} of ${name} was not fetched. Those that were: ${dtypes.join(', ') || 'none'}.`,
    );
  const graphsOf = (each: Dtype) => graphsOfVariant(plain, each, paths);
  const others = dtypes.filter((each) => each !== dtype).flatMap(graphsOf);
  const graphs = graphsOf(dtype).filter((path) => !others.includes(path));
  return files.filter(({ path }) => graphs.includes(path) || isWeightsOf(graphs, path));
}

/**
 * Removes a variant of a fetched model; with the last one, the model. Waits for a fetch of it that is under way.
 *
 * @throws UserError UnknownModel or ModelNotFetched
 */
export async function removeVariant(
  env: NodeJS.ProcessEnv,
  name: string,
  dtype: Dtype,
  options: LockOptions,
): Promise<void> {
  const place = placeOf(env, name);
  const isLast = await withProcessLock(place.lock, options, async () => {
    const model = await requireFetched(env, name);
    const gone = filesOfVariant(model, dtype);
    if (model.dtypes.length === 1) return true;
    await replaceManifest(place, { ...model, files: model.files.filter((file) => !gone.includes(file)) });
    // The graphs before their weights: no variant is found half.
    for (const { path } of gone.toSorted((a, b) => Number(b.path.endsWith('.onnx')) - Number(a.path.endsWith('.onnx'))))
      await rm(join(place.folder, path), { force: true });
    await rm(place.staging, { recursive: true, force: true });
    return false;
  });
  if (isLast) await removeFetched(env, name, options);
}

/** @throws UserError UnknownModel or ModelNotFetched */
export async function requireFetched(env: NodeJS.ProcessEnv, name: string): Promise<FetchedModel> {
  if (isModelName(name)) {
    const model = await readFetched(env, name);
    if (model !== undefined) return model;
    const { folder } = placeOf(env, name);
    if (await isThere(folder)) throw notFetched(name, folder);
  }
  throw new UserError('UnknownModel', `No model "${name}" was fetched. List those that were: plimsoll models list`);
}

/** The error for a folder in the place of a fetched model that somebody else made. */
export const notFetched = (name: string, folder: string) =>
  new UserError(
    'ModelNotFetched',
    `${folder} was not made by "plimsoll models fetch", so it is left as it is. Move it away if ${name} is to be fetched.`,
  );

/** `name` or `org/name`, without a part that begins with a dot. */
const isModelName = (name: string): boolean => /^\w[\w.-]*(\/\w[\w.-]*)?$/.test(name);

export const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

async function removeIfEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch((error: unknown) => {
    if (systemErrorCode(error) !== 'ENOTEMPTY') throw error;
  });
}
