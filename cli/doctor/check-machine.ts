import { access, constants, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BUILT_IN_MODEL } from '../../contract/built-in-model.ts';
import { cacheFolder } from '../../core/cache-folder.ts';
import { knownMedia } from '../../core/media/registry.ts';
import { findModel } from '../../core/models/find-model.ts';
import { fetchedModelsFolder } from '../../core/models/model-folders.ts';
import { createEmbedder } from '../../inference/embedder.ts';
import { deviceName, type InferenceSettings } from '../../inference/settings.ts';
import { compareVersions } from '../../local/provision/binary.ts';
import { type Check, ok, problem, warning } from './check.ts';

const OLDEST_NODE = '22.18';

export function checkNode(): Check {
  const { node } = process.versions;
  if (compareVersions(node, OLDEST_NODE) >= 0) return ok('Node', node);
  return problem('Node', `${node} is too old`, `Plimsoll needs Node ${OLDEST_NODE} or later.`);
}

export async function checkCache(env: NodeJS.ProcessEnv): Promise<Check> {
  const folder = cacheFolder(env);
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
    return ok('Cache', folder);
  } catch (error) {
    return problem(
      'Cache',
      `${folder}: ${(error as Error).message}`,
      'Name a folder that can be written to in PLIMSOLL_CACHE.',
    );
  }
}

/** Runs the built-in model on the device that an embedding worker with this environment would use. */
export async function checkDevice(settings: InferenceSettings): Promise<Check> {
  const embedder = createEmbedder(settings);
  try {
    const { key } = await embedder.open(BUILT_IN_MODEL, knownMedia().default);
    return ok('Device', `${deviceName(settings.device)} runs ${key}`);
  } catch (error) {
    const advice =
      settings.device.type === 'cpu' ? 'Install the packages again: npm ci' : 'Set PLIMSOLL_DEVICE=cpu to do without.';
    return problem('Device', `${deviceName(settings.device)}: ${(error as Error).message}`, advice);
  } finally {
    await embedder.close();
  }
}

/** Checks the models that can be used by name. */
export async function checkModels({ modelFolders }: InferenceSettings, env: NodeJS.ProcessEnv): Promise<Check[]> {
  const named = (await Promise.all(modelFolders.map(namesIn))).flat();
  const checks = await Promise.all(
    [BUILT_IN_MODEL, ...new Set(named)].map(async (name) =>
      findModel(name, knownMedia().default.models, modelFolders).then(
        ({ directory }) => ok(`Model ${name}`, directory),
        (error: Error) =>
          warning(`Model ${name}`, error.message, 'Mend its folder, or leave it alone if nothing uses it.'),
      ),
    ),
  );
  // The folder of fetched models is not there before the first is fetched.
  const needed = modelFolders.filter((folder) => folder !== fetchedModelsFolder(env));
  const lost = await Promise.all(
    needed.map(async (folder) =>
      readdir(folder).then(
        () => [],
        (error: Error) => [warning('Model folder', error.message, 'Correct PLIMSOLL_MODELS.')],
      ),
    ),
  );
  return [...checks, ...lost.flat()];
}

/** Names of the folders that hold a model: `name` or `org/name`. */
async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const name of await foldersIn(folder)) {
    if (await isModel(join(folder, name))) names.push(name);
    else
      for (const inner of await foldersIn(join(folder, name)))
        if (await isModel(join(folder, name, inner))) names.push(`${name}/${inner}`);
  }
  return names;
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map((entry) => entry.name);
}

async function isModel(folder: string): Promise<boolean> {
  return (await readdir(folder).catch(() => [] as string[])).includes('preprocessor_config.json');
}
