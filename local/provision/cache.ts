import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../../core/cache-folder.ts';
import { type LockOptions, withProcessLock } from '../process-lock.ts';
import type { BinarySpec } from './binary.ts';

/** A program's place in the cache. Each version has a folder, because checkouts may need different ones. */
export interface CacheEntry {
  folder: string;
  path: string;
}

export function cacheEntry(env: NodeJS.ProcessEnv, spec: BinarySpec, version: string): CacheEntry {
  const folder = join(cacheFolder(env), spec.name, version);
  return { folder, path: join(folder, spec.name) };
}

/** Describes a cached program. */
interface Manifest {
  origin: string;
  version: string;
  sizeBytes: number;
  fetchedAt: string;
}

/** Checks whether an entry exists and is complete; `broken` holds the reason. */
export async function checkEntry(entry: CacheEntry): Promise<'absent' | 'whole' | { broken: string }> {
  const exists = await stat(entry.folder).catch(() => undefined);
  if (!exists) return 'absent';
  try {
    const manifest = JSON.parse(await readFile(manifestFile(entry.folder), 'utf8')) as Manifest;
    const { size } = await stat(entry.path);
    return size === manifest.sizeBytes ? 'whole' : { broken: `it has ${size} bytes of ${manifest.sizeBytes}` };
  } catch {
    return { broken: 'it was not finished' };
  }
}

/** Creates an empty folder beside the cache's entries. A rename then moves its content into place atomically. */
export async function createStaging(entry: CacheEntry): Promise<string> {
  const staging = join(dirname(entry.folder), `.staging-${process.pid}-${randomUUID()}`);
  await mkdir(staging, { recursive: true });
  return staging;
}

/** Stores a program in the cache. An entry that another process stored in the meantime stays. */
export async function storeEntry(entry: CacheEntry, program: string, origin: string, version: string): Promise<void> {
  const finished = await createStaging(entry);
  try {
    const path = join(finished, entry.path.slice(entry.folder.length + 1));
    await rename(program, path);
    const { size: sizeBytes } = await stat(path);
    const manifest: Manifest = { origin, version, sizeBytes, fetchedAt: new Date().toISOString() };
    await writeFile(manifestFile(finished), `${JSON.stringify(manifest, undefined, 2)}\n`);
    await rename(finished, entry.folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if ((code !== 'ENOTEMPTY' && code !== 'EEXIST') || (await checkEntry(entry)) !== 'whole') throw error;
  } finally {
    await rm(finished, { recursive: true, force: true });
  }
}

/** Removes an entry. */
export async function removeEntry(entry: CacheEntry): Promise<void> {
  await rm(entry.folder, { recursive: true, force: true });
}

/**
 * Runs `work` under a lock per program on this machine, so that a second checkout waits for the first one's build and
 * finds it in the cache.
 */
export function withCacheLock<T>(
  env: NodeJS.ProcessEnv,
  spec: BinarySpec,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  return withProcessLock(join(cacheFolder(env), spec.name, '.lock'), options, work);
}

function manifestFile(folder: string): string {
  return join(folder, 'manifest.json');
}
