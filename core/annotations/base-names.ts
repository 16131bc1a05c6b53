import { firstAtLeast } from '../first-at-least.ts';

/**
 * The samples of a dataset by their stems, for names that lead to no path. A stem is the last part of a path without its
 * last extension. Hashes and seqs in two
 * arrays, sorted: 16 bytes a file, where a map of names would take a hundred.
 */
export interface BaseNames {
  /** The seqs of samples that may have this stem: another one may have the same hash. */
  find(stem: string): number[];
}

export async function collectBaseNames(
  files: AsyncIterable<{ seq: number; stem: string }>,
  onStep: () => void,
): Promise<BaseNames> {
  let hashes = new Float64Array(1024);
  let seqs = new Float64Array(1024);
  let length = 0;
  for await (const { seq, stem } of files) {
    if (length === hashes.length) {
      hashes = grown(hashes);
      seqs = grown(seqs);
    }
    hashes[length] = hashOf(stem);
    seqs[length] = seq;
    length += 1;
    if (length % 10_000 === 0) onStep();
  }
  const order = new Uint32Array(length).map((_, i) => i).sort((a, b) => (hashes[a] ?? 0) - (hashes[b] ?? 0));
  const sorted = Float64Array.from(order, (i) => hashes[i] ?? 0);
  return {
    find(stem) {
      const hash = hashOf(stem);
      const found: number[] = [];
      for (let i = firstAtLeast(sorted, hash); sorted[i] === hash; i += 1) found.push(seqs[order[i] ?? 0] ?? 0);
      return found;
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
