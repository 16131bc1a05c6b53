import { firstAtLeast } from '../first-at-least.ts';
import { withoutExtension } from './reading/paths.ts';

/**
 * The samples of a dataset by the ends of their paths, for names that lead to no path: by the file's name, and by its
 * folder and name, both without the extension. Hashes and seqs in arrays, sorted: 32 bytes a file, where maps of names
 * would take hundreds.
 */
export interface BaseNames {
  /** The seqs of samples whose paths may end like these parts: another end may have the same hash. */
  find(parts: readonly string[]): number[];
}

export async function collectBaseNames(
  files: AsyncIterable<{ seq: number; parts: readonly string[] }>,
  onStep: () => void,
): Promise<BaseNames> {
  const [byName, byFolder] = [createIndex(), createIndex()];
  let count = 0;
  for await (const { seq, parts } of files) {
    byName.add(keyOf(parts, 1), seq);
    byFolder.add(keyOf(parts, 2), seq);
    count += 1;
    if (count % 10_000 === 0) onStep();
  }
  const [findName, findFolder] = [byName.sort(), byFolder.sort()];
  return {
    // Frames of many videos have the same names in folders of their own.
    find: (parts) => (parts.length > 1 ? findFolder(keyOf(parts, 2)) : findName(keyOf(parts, 1))),
  };
}

/** The last parts of a path, without the extension. */
const keyOf = (parts: readonly string[], count: number): string => withoutExtension(parts.slice(-count).join('/'));

function createIndex() {
  let hashes = new Float64Array(1024);
  let seqs = new Float64Array(1024);
  let length = 0;
  return {
    add(key: string, seq: number) {
      if (length === hashes.length) {
        hashes = grown(hashes);
        seqs = grown(seqs);
      }
      hashes[length] = hashOf(key);
      seqs[length] = seq;
      length += 1;
    },
    /** Sorts what was added. Returns the search for the seqs of a key. */
    sort() {
      const order = new Uint32Array(length).map((_, i) => i).sort((a, b) => (hashes[a] ?? 0) - (hashes[b] ?? 0));
      const sorted = Float64Array.from(order, (i) => hashes[i] ?? 0);
      return (key: string): number[] => {
        const hash = hashOf(key);
        const found: number[] = [];
        for (let i = firstAtLeast(sorted, hash); sorted[i] === hash; i += 1) found.push(seqs[order[i] ?? 0] ?? 0);
        return found;
      };
    },
  };
}

function grown(array: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}

/** 53 bits: two FNV-1a hashes of 32 and 21 bits. */
function hashOf(text: string): number {
  let high = 0x811c9dc5;
  let low = 0x01000193;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    high = Math.imul(high ^ code, 0x01000193);
    low = Math.imul(low ^ code, 0x85ebca6b);
  }
  return (high >>> 0) * 2 ** 21 + (low >>> 11);
}
