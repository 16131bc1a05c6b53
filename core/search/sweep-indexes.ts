import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

/** Files of an index that nobody has used for this long are removed. They can be fetched again. */
const UNUSED_MS = 14 * 24 * 3600 * 1000;

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
export async function sweepIndexes(cache: string, unusedMs = UNUSED_MS): Promise<void> {
  const folder = join(cache, 'indexes');
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    const usedAtMs = (await stat(path).catch(() => undefined))?.mtimeMs;
    if (usedAtMs !== undefined && Date.now() - usedAtMs > unusedMs)
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}
