/** A set of seqs, which are dense: a bit each. */
export interface SeqSet {
  readonly size: number;
  /** Adds a seq. Returns whether it is new. */
  add(seq: number): boolean;
  has(seq: number): boolean;
}

/** @param union a set that gets all seqs of this one as well */
export function createSeqSet(union?: SeqSet): SeqSet {
  let bits = new Uint8Array(1024);
  let size = 0;
  return {
    get size() {
      return size;
    },
    add(seq) {
      const at = seq >>> 3;
      if (at >= bits.length) {
        const larger = new Uint8Array(Math.max(at + 1, bits.length * 2));
        larger.set(bits);
        bits = larger;
      }
      const bit = 1 << (seq & 7);
      if (((bits[at] ?? 0) & bit) !== 0) return false;
      bits[at] = (bits[at] ?? 0) | bit;
      size += 1;
      union?.add(seq);
      return true;
    },
    has: (seq) => ((bits[seq >>> 3] ?? 0) & (1 << (seq & 7))) !== 0,
  };
}
