import type { Index } from 'usearch';
import { firstAtLeast } from '../first-at-least.ts';
import { createGraph } from './graph.ts';
import type { FoundPair, Rows } from './rows.ts';
import type { PairRequest, Pairs } from './vector-machine.ts';

/** Vectors that are compared with each other. */
export interface PairedSet {
  dim: number;
  rows: Rows;
  /** The seq of each row, ascending. */
  seqs: number[];
  /** A graph of the first rows' neighbours, with positions as keys, and how many rows are in it. */
  graph?: { index: Index; linked: number };
}

/** Comparisons of one call: some seconds on one core. */
const COMPARISONS = 30_000_000;
const FEWEST_QUERIES = 16;
const MOST_QUERIES = 1024;
/** Rows that one call adds to a graph: some seconds. */
const LINKED_AT_ONCE = 4096;
/** Neighbours of a vector that are taken from a graph, itself among them. */
const NEIGHBOURS = 32;

/** Compares some of the requested vectors. */
export function findPairs(set: PairedSet, { from, to, least }: PairRequest): Pairs {
  const { rows, seqs } = set;
  const begin = firstAtLeast(seqs, from);
  const queries = Math.min(Math.max(FEWEST_QUERIES, Math.floor(COMPARISONS / (rows.count + 1))), MOST_QUERIES);
  const end = Math.min(firstAtLeast(seqs, to), begin + queries);
  const pairs = begin === end ? [] : pairsOf(set, begin, end - begin, least);
  const next = seqs[end];
  return {
    first: pairs.map(({ first }) => seqs[first] as number),
    second: pairs.map(({ second }) => seqs[second] as number),
    scores: pairs.map(({ score }) => score),
    next: next === undefined || next >= to ? undefined : next,
  };
}

function pairsOf({ dim, rows, graph }: PairedSet, from: number, count: number, least: number): FoundPair[] {
  if (graph === undefined) return rows.findPairs(from, count, least);
  const pairs: FoundPair[] = [];
  const queries = rows.copy(from, count);
  // Copies are not among the rows, so these may be few.
  const wanted = Math.min(NEIGHBOURS, rows.count);
  for (let i = 0; i < count; i += 1) {
    const { keys, distances } = graph.index.search(queries.slice(i * dim, (i + 1) * dim), wanted, 1);
    keys.forEach((key, n) => {
      const [first, second] = [from + i, Number(key)];
      const score = 1 - (distances[n] as number);
      // A neighbour may not have this vector among its own.
      if (second !== first && score >= least) pairs.push({ first, second, score });
    });
  }
  return pairs;
}

/** Adds the next rows to the graph. Returns how many are in it. */
export function link(set: PairedSet): number {
  set.graph ??= { index: createGraph(set.dim, 'i8'), linked: 0 };
  const { graph, rows } = set;
  const count = Math.min(LINKED_AT_ONCE, rows.count - graph.linked);
  if (count > 0) {
    const keys = BigUint64Array.from({ length: count }, (_, i) => BigInt(graph.linked + i));
    graph.index.add(keys, rows.copy(graph.linked, count), 0);
    graph.linked += count;
  }
  return graph.linked;
}
