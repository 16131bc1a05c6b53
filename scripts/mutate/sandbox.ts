/** A copy of the checkout to change: the checkout itself is never mutated. */
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../../core/cache-folder.ts';
import { identify } from '../../local/process-identity.ts';

export interface Sandbox {
  /** The copy. */
  root: string;
  /** Removed with the copy: for the servers' data and what processes compile. */
  scratch: string;
  /** Its paths, relative to `root`, with forward slashes. */
  files: string[];
  /** Sets PLIMSOLL_CACHE: bundles of mutated workflows stay out of the cache that all checkouts share. */
  env: NodeJS.ProcessEnv;
  remove(): Promise<void>;
}

const PREFIX = 'plimsoll-mutate-';

export async function openSandbox(checkout: string): Promise<Sandbox> {
  await removeLeftovers();
  // Resolved: Vite names modules by their real paths.
  const scratch = await realpath(await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`)));
  const root = join(scratch, 'checkout');
  const files = await copyFiles(checkout, root);
  await symlink(join(checkout, 'node_modules'), join(root, 'node_modules'));
  const env = { PLIMSOLL_CACHE: join(scratch, 'cache'), NODE_COMPILE_CACHE: join(scratch, 'compiled') };
  return {
    root,
    scratch,
    files,
    env,
    remove: () => rm(scratch, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }),
  };
}

/** Gives the sandbox the programs that the shared cache holds. Call it once they are there. */
export async function linkCache({ env }: Sandbox): Promise<void> {
  const shared = cacheFolder(process.env);
  const own = cacheFolder(env);
  await mkdir(own, { recursive: true });
  for (const name of await readdir(shared).catch(() => [])) {
    if (name !== 'bundles') await symlink(join(shared, name), join(own, name));
  }
}

/** What git tracks or would track. */
async function copyFiles(checkout: string, root: string): Promise<string[]> {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: checkout,
    encoding: 'utf8',
  });
  const files: string[] = [];
  for (const file of new Set(listed.split('\0').filter((name) => name !== ''))) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    try {
      await copyFile(join(checkout, file), join(root, file));
      files.push(file);
    } catch (error) {
      // Deleted, but not yet in a commit.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return files;
}

/** The sandboxes of runs that were killed: their names hold the numbers of processes that are gone. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = Number(new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]);
    if (pid > 0 && !(await identify(pid))) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}
