import type { Item } from '../media/medium.ts';
import type { StoredItem } from '../store/samples.ts';

/** How the items of a file relate to its stored samples. */
export interface Matching {
  /** Items matched with stored samples, by the item's part. Tags, numbers and matching vectors stay with the sample. */
  kept: { part: number; stored: StoredItem }[];
  /** Parts of items that need a new sample. */
  added: number[];
  /** Stored samples that are no longer in the file. */
  left: StoredItem[];
}

/**
 * Matches items with stored samples: first by equal content, wherever it moved; then the remaining ones in order, so an
 * edited item keeps its sample. Items and samples without a hash match by order alone, so a file with a single item
 * keeps its sample. A sample that an earlier read no longer found in the file matches by content alone: a match by
 * order
 * would give its tags to an unrelated item.
 *
 * @param stored in the order of their parts
 */
export function matchItems(items: readonly Item[], stored: readonly StoredItem[]): Matching {
  const byContent = new Map<string, StoredItem[]>();
  for (const sample of stored) {
    if (sample.content === undefined) continue;
    const equal = byContent.get(sample.content);
    if (equal === undefined) byContent.set(sample.content, [sample]);
    else equal.push(sample);
  }

  const matching: Matching = { kept: [], added: [], left: [] };
  const taken = new Set<StoredItem>();
  const open: number[] = [];
  for (const [part, { content }] of items.entries()) {
    const equal = content === undefined ? undefined : byContent.get(content)?.shift();
    if (equal === undefined) {
      open.push(part);
      continue;
    }
    taken.add(equal);
    matching.kept.push({ part, stored: equal });
  }

  const leftBefore = new Set(leftOvers(stored));
  const rest = stored.filter((sample) => !taken.has(sample));
  const candidates = rest.filter((sample) => !leftBefore.has(sample));
  for (const [i, part] of open.entries()) {
    const next = candidates[i];
    if (next === undefined) {
      matching.added.push(part);
      continue;
    }
    taken.add(next);
    matching.kept.push({ part, stored: next });
  }
  matching.left = rest.filter((sample) => !taken.has(sample));
  return matching;
}

/**
 * The samples that were no longer in their file when it was last read. None if the first one is missing too, because
 * the
 * file itself was then missing.
 *
 * @param stored of one file, in the order of their parts
 */
export function leftOvers(stored: readonly StoredItem[]): StoredItem[] {
  return stored[0]?.status === 'missing' ? [] : stored.filter(({ status }) => status === 'missing');
}
