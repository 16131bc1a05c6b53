import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { WorkflowBundleOption } from '@temporalio/worker';
import { cacheFolder } from '../core/cache-folder.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/** Folders and packages that the sandboxed code can come from. A change in one of them needs a new bundle. */
const BUNDLED_FOLDERS = ['contract', 'core', 'workflows'];
const BUNDLED_PACKAGES = ['@temporalio/workflow', '@temporalio/worker', 'nexus-rpc', 'zod'];

let bundle: Promise<WorkflowBundleOption> | undefined;

/**
 * Plimsoll's workflows as a bundle. Webpack takes seconds, so the bundle of each content is kept in the cache folder.
 */
export function workflowBundle(env: NodeJS.ProcessEnv = process.env): Promise<WorkflowBundleOption> {
  bundle ??= findOrBuild(env);
  return bundle;
}

async function findOrBuild(env: NodeJS.ProcessEnv): Promise<WorkflowBundleOption> {
  const codePath = join(cacheFolder(env), 'bundles', `${await contentHash()}.js`);
  if (await isFile(codePath)) return { codePath };
  await mkdir(dirname(codePath), { recursive: true });
  // Two workers that start at once both build the bundle. A rename puts only whole files in place.
  const draft = `${codePath}.${randomUUID()}`;
  // A child process builds it, because webpack takes half a gigabyte that a long-lived worker would not give back.
  await promisify(execFile)(process.execPath, [join(root, `workers/build-workflow-bundle${extension}`), draft]);
  await rename(draft, codePath);
  return { codePath };
}

async function contentHash(): Promise<string> {
  const hash = createHash('sha256').update(process.version);
  // Stack traces name source paths, so each checkout needs a bundle of its own.
  hash.update(root);
  const require = createRequire(import.meta.url);
  for (const name of BUNDLED_PACKAGES) hash.update(`${name} ${require(`${name}/package.json`).version}\n`);
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
