import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/** A folder that no other process writes to until it is released, or this process ends. */
export interface ClaimedFolder {
  folder: string;
  release(): void;
}

/** SQLite's code for a file that another connection has locked. */
const SQLITE_BUSY = 5;

/**
 * Claims a folder, or the first free one beside it (`<wanted>-2` and so on). A worker that was frozen may write on when
 * its attempt has long been given to another.
 */
export async function claimFolder(wanted: string): Promise<ClaimedFolder> {
  for (let number = 1; ; number += 1) {
    const folder = number === 1 ? wanted : `${wanted}-${number}`;
    await mkdir(folder, { recursive: true });
    const claimed = await claimIfFree(folder);
    if (claimed !== undefined) return claimed;
  }
}

/**
 * Claims a folder; undefined if a living process holds it. The claim is a lock of the system, which drops it when the
 * process ends: process IDs and names of hosts say nothing in containers. Node's only door to such locks is SQLite.
 */
export async function claimIfFree(folder: string): Promise<ClaimedFolder | undefined> {
  // Imported here, because older versions of Node warn about it.
  const { DatabaseSync } = await import('node:sqlite');
  const lock = new DatabaseSync(join(folder, 'lock'), { open: false });
  try {
    lock.open();
    // The transaction stays open and writes nothing.
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    if (lock.isOpen) lock.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    throw new Error(
      `${folder} can't be locked: ${(error as Error).message}. ` +
        'The cache folder (PLIMSOLL_CACHE) has to be on a file system with locks.',
      { cause: error },
    );
  }
  return { folder, release: () => lock.close() };
}
