/** Files of a published index, on this machine. */
export interface IndexFiles {
  /** The seqs of its rows, ascending: float64, little-endian. */
  seqs: string;
  /** Its vectors as int8, one row after the other, in the order of `seqs`. */
  rows: string;
  /** The graph of neighbours, if it has one. */
  graph?: { path: string; kind: GraphKind };
}

/** How a graph stores vectors. */
export const GRAPH_KINDS = ['i8', 'f32', 'bf16', 'b1'] as const;
export type GraphKind = (typeof GRAPH_KINDS)[number];

/** The nearest vectors of a query, best first. */
export interface Candidates {
  seqs: number[];
  /** Cosines of the stored approximations. */
  scores: number[];
  /** Whether the query was compared with every vector that it was asked to look among. */
  exact: boolean;
  /** Whether there is nothing beyond these: fewer were found than asked for. */
  all: boolean;
}

/** A part of the comparison of a set's vectors with each other. */
export interface PairRequest {
  /** The vectors of these seqs are compared, `to` exclusive. */
  from: number;
  to: number;
  /** The least cosine of a pair. */
  least: number;
}

/** Pairs of near vectors, and how far the comparison has come. */
export interface Pairs {
  /** Seqs of the pairs, and the cosines of their approximations. */
  first: number[];
  second: number[];
  scores: number[];
  /** The seq to go on from; undefined if the request is done. */
  next: number | undefined;
}

/**
 * Holds sets of vectors in memory and finds neighbours in them. Its work blocks a thread, and its native code may crash
 * on a damaged file: `search/` runs it in a process of its own. Every method throws MachineEndedError when that process
 * has ended; its sets are gone then.
 */
export interface VectorMachine {
  /** Opens an empty set of vectors with `dim` elements, or one with the vectors of a published index. */
  open(set: string, dim: number, files?: IndexFiles): Promise<void>;
  /**
   * Adds vectors of length 1, one after the other. A later vector of a seq replaces an earlier one. Returns how many
   * replace one that was added before: its row stays in memory until the set is opened again.
   */
  add(set: string, seqs: readonly number[], vectors: Float32Array): Promise<number>;
  /** Finds about `count` candidates, `among` these seqs if given. */
  find(set: string, query: Float32Array, count: number, among?: readonly number[]): Promise<Candidates>;
  /**
   * Finds pairs of vectors of a set that has no published index and was filled in seq order. Compares some of the
   * requested vectors, each with every later one. In a set that is linked, takes the neighbours of each from the graph.
   */
  findPairs(set: string, request: PairRequest): Promise<Pairs>;
  /** Adds the next vectors of a set to a graph of its neighbours. Returns how many are in it. */
  link(set: string): Promise<number>;
  /** Forgets a set. */
  drop(set: string): Promise<void>;
  close(): Promise<void>;
}

/** The process that held the vectors has ended, or the set was dropped. */
export class MachineEndedError extends Error {
  override readonly name = 'MachineEndedError';
}
