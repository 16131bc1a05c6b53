import { exactSearch, type Matches, MetricKind } from 'usearch';

/** usearch ignores where a view begins in its buffer, so the vectors are kept in blocks of this many. */
const BLOCK = 16_384;

/** Vectors in memory that a query is compared with one by one: the floor of a search, and the truth about its hits. */
export interface BareSearch {
  readonly count: number;
  /** Keeps a vector. The next one has the next number. */
  add(vector: Float32Array): void;
  vector(number: number): Float32Array;
  /** The numbers of the nearest, best first. */
  nearest(query: Float32Array, wanted: number): number[];
}

/** usearch's exactSearch on float32, in one thread, and nothing else. */
export function createBareSearch(dim: number): BareSearch {
  const blocks: Float32Array<ArrayBuffer>[] = [];
  let count = 0;
  return {
    get count() {
      return count;
    },
    add(vector) {
      const index = Math.floor(count / BLOCK);
      blocks[index] ??= new Float32Array(BLOCK * dim);
      blocks[index].set(vector, (count % BLOCK) * dim);
      count += 1;
    },
    vector: (number) => {
      const at = (number % BLOCK) * dim;
      return (blocks[Math.floor(number / BLOCK)] as Float32Array).subarray(at, at + dim);
    },
    nearest(query, wanted) {
      const found = blocks.flatMap((block, index) => {
        const rows = Math.min(BLOCK, count - index * BLOCK);
        const most = Math.min(wanted, rows);
        const { keys, distances } = exactSearch(
          block.subarray(0, rows * dim),
          query,
          dim,
          most,
          MetricKind.Cos,
          1,
        ) as Matches;
        return Array.from(keys, (key, i) => ({
          number: index * BLOCK + Number(key),
          distance: distances[i] as number,
        }));
      });
      return found
        .sort((a, b) => a.distance - b.distance)
        .slice(0, wanted)
        .map(({ number }) => number);
    },
  };
}
