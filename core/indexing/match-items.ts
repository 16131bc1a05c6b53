import type { Item } from '../media/medium.ts';
import type { StoredItem } from '../store/samples.ts';

/** How the items of a file that was read relate to the samples that are stored of it. */
export interface Matching {
  /** Items that are stored samples, by the item's part. Tags, numbers and fitting vectors stay with them. */
  kept: { part: number; stored: StoredItem }[];
  /** Parts of items that need a new sample. */
  added: number[];
  /** Stored samples that the file no longer holds. */
  left: StoredItem[];
}

/**
 * Matches items with stored samples: first by equal content, however far it moved; then what is left of both in order, so that
 * an edited item stays the sample that it was. Items and samples without a hash match in order alone: an image stays the sample
 * of its file.
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

  const rest = stored.filter((sample) => !taken.has(sample));
  for (const part of open) {
    const next = rest.shift();
    if (next === undefined) matching.added.push(part);
    else matching.kept.push({ part, stored: next });
  }
  matching.left = rest;
  return matching;
}
