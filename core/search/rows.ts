import { exactSearch, MetricKind } from 'usearch';
import { quantise } from './quantise.ts';

/** A row found: its position, and the cosine of its approximation. */
export interface FoundRow {
  position: number;
  score: number;
}

/** Rows of a block. The scan's memory for results grows with the block, and a block is copied whole when it is filled. */
const BLOCK_ROWS = 16_384;
const FIRST_ROWS = 1024;

/** Vectors as int8 in memory, which a query is compared with one by one. */
export interface Rows {
  readonly count: number;
  /** Appends vectors, one after the other. */
  add(vectors: Float32Array): void;
  /** Appends rows that are int8 already. */
  addRows(rows: Int8Array): void;
  /** The nearest rows, best first. */
  find(query: Int8Array, count: number): FoundRow[];
  /** The nearest of some rows, best first. */
  findAmong(query: Int8Array, count: number, positions: readonly number[]): FoundRow[];
}

/** Creates a store of rows of `dim` elements. */
export function createRows(dim: number): Rows {
  // usearch ignores where a view begins in its buffer, so each block has a buffer of its own.
  const blocks: Int8Array<ArrayBuffer>[] = [];
  let count = 0;

  /** The block of the next row, with room for it. */
  function blockFor(position: number): Int8Array {
    const index = Math.floor(position / BLOCK_ROWS);
    const needed = ((position % BLOCK_ROWS) + 1) * dim;
    const block = blocks[index];
    if (block !== undefined && block.length >= needed) return block;
    const rows =
      block === undefined ? (index === 0 ? FIRST_ROWS : BLOCK_ROWS) : Math.min(BLOCK_ROWS, (2 * block.length) / dim);
    const larger = new Int8Array(rows * dim);
    if (block !== undefined) larger.set(block);
    blocks[index] = larger;
    return larger;
  }

  const used = (index: number) => Math.min(BLOCK_ROWS, count - index * BLOCK_ROWS);

  return {
    get count() {
      return count;
    },
    add(vectors) {
      for (let at = 0; at < vectors.length; at += dim) {
        quantise(vectors.subarray(at, at + dim), blockFor(count), (count % BLOCK_ROWS) * dim);
        count += 1;
      }
    },
    addRows(rows) {
      for (let at = 0; at < rows.length; at += dim) {
        blockFor(count).set(rows.subarray(at, at + dim), (count % BLOCK_ROWS) * dim);
        count += 1;
      }
    },
    find(query, wanted) {
      const found = blocks.flatMap((block, index) => {
        const rows = used(index);
        return scan(block.subarray(0, rows * dim), rows, dim, query, wanted).map(({ position, score }) => ({
          position: index * BLOCK_ROWS + position,
          score,
        }));
      });
      return best(found, wanted);
    },
    findAmong(query, wanted, positions) {
      const found: FoundRow[] = [];
      for (let from = 0; from < positions.length; from += BLOCK_ROWS) {
        const some = positions.slice(from, from + BLOCK_ROWS);
        const gathered = new Int8Array(some.length * dim);
        for (const [i, position] of some.entries()) {
          const block = blocks[Math.floor(position / BLOCK_ROWS)] as Int8Array;
          const at = (position % BLOCK_ROWS) * dim;
          gathered.set(block.subarray(at, at + dim), i * dim);
        }
        for (const { position, score } of scan(gathered, some.length, dim, query, wanted))
          found.push({ position: some[position] as number, score });
      }
      return best(found, wanted);
    },
  };
}

/** Compares a query with rows that begin at the start of their buffer. */
function scan(rows: Int8Array, count: number, dim: number, query: Int8Array, wanted: number): FoundRow[] {
  if (count === 0) return [];
  const { keys, distances } = exactSearch(rows, query, dim, Math.min(wanted, count), MetricKind.Cos, 1) as {
    keys: BigUint64Array;
    distances: Float32Array;
  };
  return Array.from(keys, (key, i) => ({ position: Number(key), score: 1 - (distances[i] as number) }));
}

/** The best rows, the earlier one of two that are equal. */
export function best(found: FoundRow[], wanted: number): FoundRow[] {
  return found.sort((a, b) => b.score - a.score || a.position - b.position).slice(0, wanted);
}
