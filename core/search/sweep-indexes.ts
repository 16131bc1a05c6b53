import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { claimIfFree } from './claim-folder.ts';

const DAY_MS = 24 * 3600 * 1000;
/** An index that nobody has used for this long is removed, and a build that nobody has gone on with. */
const UNUSED_MS = 14 * DAY_MS;
/** No fetch takes longer than this. A broken-off one is never gone on with. */
const LONGEST_FETCH_MS = DAY_MS;

const BUILDING = 'building-';

/** The folder of a build in the cache of this machine. */
export const buildingFolder = (cache: string, hash: string) => join(cache, 'indexes', `${BUILDING}${hash}`);

/** Notes that an index of the cache is used. */
export async function markUsed(folder: string): Promise<void> {
  const now = new Date();
  // Without the note, the index is fetched once more later.
  await utimes(folder, now, now).catch(() => undefined);
}

/**
 * Removes from a cache what nobody uses any more: indexes of datasets that were deleted or are searched elsewhere, and
 * what broken-off builds and fetches have left. A process that has such files open goes on with them.
 */
export async function sweepIndexes(cache: string): Promise<void> {
  const folder = join(cache, 'indexes');
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    const usedAtMs = (await stat(path).catch(() => undefined))?.mtimeMs;
    if (usedAtMs === undefined || Date.now() - usedAtMs <= keptMs(name)) continue;
    const remove = name.startsWith(BUILDING) ? removeBuild : removeFolder;
    await remove(path).catch(() => undefined);
  }
}

/** The name of a fetch that is not finished has a suffix. */
const keptMs = (name: string) => (name.includes('.') ? LONGEST_FETCH_MS : UNUSED_MS);

const removeFolder = (path: string) => rm(path, { recursive: true, force: true });

/** Removes the folder of a build unless a process builds there, however slowly. */
async function removeBuild(path: string): Promise<void> {
  const claimed = await claimIfFree(path);
  if (claimed === undefined) return;
  await removeFolder(path).finally(() => claimed.release());
}
