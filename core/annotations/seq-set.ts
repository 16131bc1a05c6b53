/** A set of seqs, which are dense: a bit each. */
export interface SeqSet {
  readonly size: number;
  /** Adds a seq. Returns whether it is new. */
  add(seq: number): boolean;
  has(seq: number): boolean;
  addAll(others: SeqSet): void;
  readonly bits: Uint8Array;
}

export function createSeqSet(): SeqSet {
  let bits = new Uint8Array(1024);
  let size = 0;
  const add = (seq: number): boolean => {
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
    return true;
  };
  return {
    get size() {
      return size;
    },
    get bits() {
      return bits;
    },
    add,
    has: (seq) => ((bits[seq >>> 3] ?? 0) & (1 << (seq & 7))) !== 0,
    addAll({ bits: others }) {
      for (const [at, byte] of others.entries())
        for (let n = 0; n < 8; n += 1) if ((byte & (1 << n)) !== 0) add(at * 8 + n);
    },
  };
}
