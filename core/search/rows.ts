import { availableParallelism } from 'node:os';
import { type BatchMatches, exactSearch, MetricKind } from 'usearch';
import { quantise } from './quantise.ts';

/** A row found: its position, and the cosine of its approximation. */
export interface FoundRow {
  position: number;
  score: number;
}

/** Two rows, the earlier one first, and the cosine of their approximations. */
export interface FoundPair {
  first: number;
  second: number;
  score: number;
}

/** Rows of a block. The scan's memory for results grows with the block, and a block is copied whole when it is filled. */
const BLOCK_ROWS = 16_384;
const FIRST_ROWS = 1024;
/** Neighbours of a row that are asked for in each block, and how many if all of these are near. */
const NEIGHBOURS = 32;
const MOST_NEIGHBOURS = 1024;

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
  /** Copies the rows from a position on. */
  copy(from: number, count: number): Int8Array<ArrayBuffer>;
  /**
   * Finds pairs of one of `count` rows from a position on and a later row, whose cosine is at least `least`. If a row has
   * more than 1,024 neighbours in a block, pairs with the nearest of these.
   */
  findPairs(from: number, count: number, least: number): FoundPair[];
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

  function copy(from: number, wanted: number): Int8Array<ArrayBuffer> {
    const rows = new Int8Array(wanted * dim);
    for (let done = 0; done < wanted; ) {
      const index = Math.floor((from + done) / BLOCK_ROWS);
      const at = (from + done) % BLOCK_ROWS;
      const some = Math.min(wanted - done, BLOCK_ROWS - at);
      rows.set((blocks[index] as Int8Array).subarray(at * dim, (at + some) * dim), done * dim);
      done += some;
    }
    return rows;
  }

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
    copy,
    findPairs(from, wanted, least) {
      const pairs: FoundPair[] = [];
      const queries = copy(from, wanted);
      for (let index = Math.floor(from / BLOCK_ROWS); index < blocks.length; index += 1) {
        const rows = used(index);
        const block = (blocks[index] as Int8Array).subarray(0, rows * dim);
        for (const { query, position, score } of neighboursIn(block, rows, dim, queries, least)) {
          const [first, second] = [from + query, index * BLOCK_ROWS + position];
          if (second > first) pairs.push({ first, second, score });
        }
      }
      return pairs;
    },
  };
}

interface Neighbour extends FoundRow {
  /** Position of the row that it is near to, among the queries. */
  query: number;
}

/** The rows that are near to each of some queries. */
function* neighboursIn(
  rows: Int8Array,
  count: number,
  dim: number,
  queries: Int8Array<ArrayBuffer>,
  least: number,
): Generator<Neighbour> {
  const wanted = Math.min(NEIGHBOURS, count);
  const most = Math.min(MOST_NEIGHBOURS, count);
  const found = scanAll(rows, dim, queries, wanted);
  for (let query = 0; query * dim < queries.length; query += 1) {
    const isNear = (neighbour: FoundRow) => neighbour.score >= least;
    const near = found(query).filter(isNear);
    if (near.length < wanted || wanted === most) for (const neighbour of near) yield { query, ...neighbour };
    else {
      const alone = queries.slice(query * dim, (query + 1) * dim);
      for (const neighbour of scanAll(rows, dim, alone, most)(0).filter(isNear)) yield { query, ...neighbour };
    }
  }
}

/** A process that compares all day leaves cores to the others of its machine. */
const THREADS = Math.max(1, Math.floor(availableParallelism() / 2));

/** Compares queries with rows, and returns a function that gives the nearest rows of a query. */
function scanAll(
  rows: Int8Array,
  dim: number,
  queries: Int8Array<ArrayBuffer>,
  wanted: number,
): (query: number) => FoundRow[] {
  const { keys, distances } = exactSearch(rows, queries, dim, wanted, MetricKind.Cos, THREADS) as BatchMatches;
  return (query) =>
    Array.from({ length: wanted }, (_, i) => ({
      position: Number(keys[query * wanted + i]),
      score: 1 - (distances[query * wanted + i] as number),
    }));
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
