import type { ListedFile } from '../sources/source.ts';
import type { StoredFile } from '../store/samples.ts';

/** Differences between one path range of a listing and the stored files of that range. */
export interface Difference {
  added: ListedFile[];
  changed: ListedFile[];
  unchanged: number;
  /** Stored files that the listing did not see. */
  gone: StoredFile[];
}

/**
 * Compares one path range of a listing with the stored files of that range. A file that failed is read again each time,
 * because the cause may be gone. A file that was missing and is back counts as changed.
 *
 * @param reread whether files that look unchanged count as changed too
 */
export function compareListing(
  files: readonly ListedFile[],
  stored: readonly StoredFile[],
  reread = false,
): Difference {
  const unseen = new Map(stored.map((file) => [file.filepath, file]));
  const difference: Difference = { added: [], changed: [], unchanged: 0, gone: [] };
  for (const file of files) {
    const known = unseen.get(file.path);
    unseen.delete(file.path);
    if (known === undefined) difference.added.push(file);
    else if (!reread && known.status === 'indexed' && known.source.fingerprint === file.fingerprint)
      difference.unchanged += 1;
    else difference.changed.push(file);
  }
  difference.gone = [...unseen.values()];
  return difference;
}
