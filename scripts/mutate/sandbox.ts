/** Creates a copy of the checkout to mutate. The checkout itself is never changed. */
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../../core/cache-folder.ts';
import { identify } from '../../local/process-identity.ts';

export interface Sandbox {
  /** Path of the copy. */
  root: string;
  /** Folder for the servers' data and compiled code, removed with the copy. */
  scratch: string;
  /** Sets PLIMSOLL_CACHE, so that bundles of mutated workflows stay out of the shared cache. */
  env: NodeJS.ProcessEnv;
  remove(): Promise<void>;
}

const PREFIX = 'plimsoll-mutate-';

/** @param files of the checkout, as `filesOf` lists them */
export async function openSandbox(checkout: string, files: readonly string[]): Promise<Sandbox> {
  await removeLeftovers();
  // Resolve links, because Vite names modules by their real paths.
  const scratch = await realpath(await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`)));
  const root = join(scratch, 'checkout');
  for (const file of files) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await copyFile(join(checkout, file), join(root, file));
  }
  await symlink(join(checkout, 'node_modules'), join(root, 'node_modules'));
  const env = { PLIMSOLL_CACHE: join(scratch, 'cache'), NODE_COMPILE_CACHE: join(scratch, 'compiled') };
  return {
    root,
    scratch,
    env,
    remove: () => rm(scratch, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }),
  };
}

/** Links the programs of the shared cache into the sandbox. Call it once the cache has them. */
export async function linkCache({ env }: Sandbox): Promise<void> {
  const shared = cacheFolder(process.env);
  const own = cacheFolder(env);
  await mkdir(own, { recursive: true });
  for (const name of await readdir(shared).catch(() => [])) {
    if (name !== 'bundles') await symlink(join(shared, name), join(own, name));
  }
}

/** Files that git tracks or would track, relative to the checkout, with forward slashes. */
export function filesOf(checkout: string): string[] {
  const list = (...which: string[]) =>
    execFileSync('git', ['ls-files', '-z', ...which], { cwd: checkout, encoding: 'utf8' })
      .split('\0')
      .filter(Boolean);
  const deleted = new Set(list('--deleted'));
  return [...new Set(list('--cached', '--others', '--exclude-standard'))].filter((file) => !deleted.has(file));
}

/** Removes the sandboxes of killed runs. Their names contain the process IDs of processes that have ended. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = Number(new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]);
    if (pid > 0 && !(await identify(pid))) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}
