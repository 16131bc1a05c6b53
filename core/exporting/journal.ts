import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { writeError } from '../artifact/write-durably.ts';

/** Names what attempts have written until the export is finished. */
export const JOURNAL = '.plimsoll-export.written';

/** Tells files of this export and its attempts before from those of somebody else. */
export interface Journal {
  /** Names a file before it is at its place. A worker that is killed then has named all that it wrote. */
  add(path: string): Promise<void>;
  /** Removes files that were named and are not kept, and folders that are then empty. */
  sweep(isKept: (path: string) => boolean): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the journal of an export. It need not be durable: a file that it does not name is left.
 *
 * @param target the folder of the export
 */
export async function openJournal(target: string): Promise<Journal> {
  const path = join(target, JOURNAL);
  const file: FileHandle = await open(path, 'a');
  return {
    async add(name) {
      // A line that a full disk has cut must not spoil the next one.
      await file.write(`\n${lineOf(name)}`).catch((error) => {
        throw writeError(path, error);
      });
    },
    async sweep(isKept) {
      const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
      for await (const line of lines) {
        const name = nameIn(line);
        if (name === undefined || isKept(name)) continue;
        await rm(join(target, name), { force: true }).catch(() => {});
        for (let folder = dirname(name); folder !== '.'; folder = dirname(folder)) {
          const isGone = await rmdir(join(target, folder)).then(
            () => true,
            () => false,
          );
          if (!isGone) break;
        }
      }
    },
    close: () => file.close(),
  };
}

/** A line as `node:readline` takes it: JSON leaves two of its line ends as they are. */
const lineOf = (name: string): string =>
  JSON.stringify(name).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');

/** The path in a line. Undefined if it is cut, or leads out of the folder: the journal lies where others may write. */
function nameIn(line: string): string | undefined {
  try {
    const name: unknown = JSON.parse(line);
    return typeof name === 'string' && !/^\/|(^|\/)\.\.?(\/|$)|\0/.test(name) && name !== '' ? name : undefined;
  } catch {
    return undefined;
  }
}
