import { access, constants, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BUILT_IN_MODEL } from '../../contract/built-in-model.ts';
import { cacheFolder } from '../../core/cache-folder.ts';
import type { Medium } from '../../core/media/medium.ts';
import { knownMedia } from '../../core/media/registry.ts';
import { findModel } from '../../core/models/find-model.ts';
import { fetchedModelsFolder } from '../../core/models/model-folders.ts';
import {
  AUTO_ORDER,
  chooseDevices,
  describePassedOver,
  type PassedOver,
  type Tried,
  whyNot,
} from '../../inference/choose-devices.ts';
import { createEmbedder } from '../../inference/embedder.ts';
import { type Device, devicesName, type InferenceSettings } from '../../inference/settings.ts';
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

/** Runs the built-in model on the devices that an embedding worker with this environment would use. */
export async function checkDevice(settings: InferenceSettings): Promise<Check[]> {
  if (settings.devices !== 'auto') return Promise.all([checkDevices(settings, settings.devices), checkGpus(settings)]);
  const { devices, passedOver } = await chooseDevices(await builtIn(), settings);
  const { found, ...check } = await checkDevices(settings, devices);
  return [{ ...check, found: [`auto: ${found}`, describePassedOver(passedOver)].filter(Boolean).join('; ') }];
}

async function checkDevices(settings: InferenceSettings, devices: readonly Device[]): Promise<Check> {
  const embedder = createEmbedder({ ...settings, devices });
  try {
    const { key, device } = await embedder.open(BUILT_IN_MODEL, knownMedia().default);
    return ok('Device', `${device} runs ${key}`);
  } catch (error) {
    const onCpu = devices.every(({ type }) => type === 'cpu');
    const advice = onCpu ? 'Install the packages again: npm ci' : 'Set PLIMSOLL_DEVICE=cpu to do without.';
    return problem('Device', `${devicesName(devices)}: ${(error as Error).message}`, advice);
  } finally {
    await embedder.close();
  }
}

async function builtIn(): Promise<Tried> {
  const side = knownMedia().default;
  return { files: await findModel(BUILT_IN_MODEL, side.models), side };
}

/** Says which GPUs this machine could use. */
async function checkGpus(settings: InferenceSettings): Promise<Check> {
  const tried = await builtIn();
  const gpus = await Promise.all(
    AUTO_ORDER.map(async (device) => ({ device: device.type, reason: await whyNot(device, tried, settings) })),
  );
  const usable = gpus.filter(({ reason }) => reason === undefined).map(({ device }) => device);
  const others = describePassedOver(gpus.filter((gpu): gpu is PassedOver => gpu.reason !== undefined));
  const use = usable.length === 0 ? 'none can be used' : `PLIMSOLL_DEVICE can be ${usable.join(' or ')}`;
  return ok('GPU', [use, others].filter(Boolean).join('; '));
}

/** Checks the models that can be used by name. */
export async function checkModels({ modelFolders }: InferenceSettings, env: NodeJS.ProcessEnv): Promise<Check[]> {
  const media = knownMedia().all;
  const named = (await Promise.all(modelFolders.map((folder) => namesIn(folder, media)))).flat();
  const builtIn = media.map(({ models }) => models.builtIn).filter((name) => name !== undefined);
  const checks = await Promise.all(
    [...new Set([...builtIn, ...named])].map((name) => checkModel(name, media, modelFolders)),
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

/** A model is in order if any medium can use it. */
async function checkModel(name: string, media: readonly Medium[], folders: readonly string[]): Promise<Check> {
  const faults: string[] = [];
  for (const { models, words } of media) {
    try {
      return ok(`Model ${name}`, (await findModel(name, models, folders)).directory);
    } catch (error) {
      faults.push(`for ${words.many}: ${(error as Error).message}`);
    }
  }
  return warning(`Model ${name}`, faults.join(' '), 'Mend its folder, or leave it alone if nothing uses it.');
}

/** Names of the folders that hold a model: `name` or `org/name`. */
async function namesIn(folder: string, media: readonly Medium[]): Promise<string[]> {
  const names: string[] = [];
  for (const name of await foldersIn(folder)) {
    if (await isModel(join(folder, name), media)) names.push(name);
    else
      for (const inner of await foldersIn(join(folder, name)))
        if (await isModel(join(folder, name, inner), media)) names.push(`${name}/${inner}`);
  }
  return names;
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map((entry) => entry.name);
}

/** A folder is meant as a model if it has a file that only models have. */
async function isModel(folder: string, media: readonly Medium[]): Promise<boolean> {
  const entries = await readdir(folder).catch(() => [] as string[]);
  return media.some(({ models }) => models.files.some(({ name }) => entries.includes(name)));
}
