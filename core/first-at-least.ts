/** The position of the first of ascending seqs that is not below `seq`. */
export function firstAtLeast(seqs: ArrayLike<number>, seq: number): number {
  let low = 0;
  let high = seqs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((seqs[middle] as number) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
