import type { LackingSample } from './lacking.ts';

/**
 * Divides samples into batches. Samples with a length come longest first, so that batches hold samples of about one
 * length: a batch is padded to its longest. A repetition of a sample's content comes after all others, when the vector of
 * the first one is mostly stored and can be reused.
 */
export function batchesOf(samples: readonly LackingSample[], size: number): LackingSample[][] {
  const ordered = samples.some(({ length }) => length !== undefined) ? byLength(samples) : samples;
  const batches: LackingSample[][] = [];
  for (let at = 0; at < ordered.length; at += size) batches.push(ordered.slice(at, at + size));
  return batches;
}

function byLength(samples: readonly LackingSample[]): LackingSample[] {
  const seen = new Set<string>();
  const repeats = new Set<LackingSample>();
  for (const sample of samples) {
    if (sample.content === undefined) continue;
    if (seen.has(sample.content)) repeats.add(sample);
    seen.add(sample.content);
  }
  const lengthOf = ({ length = 0 }: LackingSample) => length;
  return samples.toSorted(
    (a, b) => Number(repeats.has(a)) - Number(repeats.has(b)) || lengthOf(b) - lengthOf(a) || a.seq - b.seq,
  );
}
