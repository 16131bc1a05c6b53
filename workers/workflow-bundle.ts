import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Runtime, type WorkflowBundleOption } from '@temporalio/worker';
import { cacheFolder } from '../core/cache-folder.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/** Plimsoll's workflows as a path, for the SDK to bundle. */
export const WORKFLOWS_PATH = join(root, `workflows/index${extension}`);

/** Folders that the sandboxed code can come from. A change in one of them needs a new bundle. */
const BUNDLED_FOLDERS = ['contract', 'core', 'workflows'];
/** A bundle needs the SDK's part in it to be of the worker's own version. */
const SDK_PACKAGES = ['@temporalio/common', '@temporalio/workflow', '@temporalio/worker'];
const OTHER_PACKAGES = ['nexus-rpc', 'zod'];

/** Bundles by cache folder. */
const bundles = new Map<string, Promise<WorkflowBundleOption>>();

/**
 * Plimsoll's workflows as a bundle. Webpack takes seconds, so the package has a bundle for the version of Temporal's
 * SDK that it was built with, and the cache folder keeps those for others. If the cache folder can't be written, the
 * bundle stays in memory and a warning says so.
 */
export function workflowBundle(env: NodeJS.ProcessEnv = process.env): Promise<WorkflowBundleOption> {
  const cache = cacheFolder(env);
  const bundle = bundles.get(cache) ?? findOrBuild(cache);
  bundles.set(cache, bundle);
  return bundle;
}

/** The path of the package's bundle, which the build puts there. A checkout has none. */
export const shippedBundlePath = async () => join(root, 'bundles', `${await contentHash(SDK_PACKAGES)}.js`);

async function findOrBuild(cache: string): Promise<WorkflowBundleOption> {
  const shipped = await shippedBundlePath();
  if (await isFile(shipped)) return { codePath: shipped };
  const codePath = join(cache, 'bundles', `${await contentHash([...SDK_PACKAGES, ...OTHER_PACKAGES])}.js`);
  if (await isFile(codePath)) return { codePath };
  const code = await buildWorkflowBundle();
  try {
    await keep(code, codePath);
    return { codePath };
  } catch (error) {
    Runtime.instance().logger.warn(
      `The bundle of Plimsoll's workflows can't be kept, so each start takes seconds to build it again (${error instanceof Error ? error.message : error}). ` +
        'Set PLIMSOLL_CACHE to a folder that this process can write to.',
    );
    return { code };
  }
}

/** A child process bundles, because webpack takes half a gigabyte that a long-lived worker would not give back. */
export async function buildWorkflowBundle(): Promise<string> {
  const script = join(root, `workers/build-workflow-bundle${extension}`);
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
  const [[status], code, complaint] = await Promise.all([
    once(child, 'close'),
    text(child.stdio[3] as Readable),
    text(child.stdio[2] as Readable),
  ]);
  if (status !== 0) throw new Error(`Plimsoll's workflows could not be bundled: ${complaint}`);
  return code;
}

/** Two workers that start at once both write the bundle. A rename puts only whole files in place. */
async function keep(code: string, codePath: string): Promise<void> {
  const draft = `${codePath}.${randomUUID()}`;
  await mkdir(dirname(codePath), { recursive: true });
  try {
    await writeFile(draft, code);
    await rename(draft, codePath);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

async function contentHash(packages: string[]): Promise<string> {
  const hash = createHash('sha256');
  const require = createRequire(import.meta.url);
  for (const name of packages) hash.update(`${name} ${require(`${name}/package.json`).version}\n`);
  for (const folder of BUNDLED_FOLDERS) {
    const files = await readdir(join(root, folder), { recursive: true });
    for (const file of files.filter((name) => name.endsWith(extension)).sort()) {
      hash.update(`${folder}/${file}\n`).update(await readFile(join(root, folder, file)));
    }
  }
  return hash.digest('hex').slice(0, 32);
}

async function isFile(path: string): Promise<boolean> {
  return readFile(path).then(
    (code) => code.length > 0,
    () => false,
  );
}
