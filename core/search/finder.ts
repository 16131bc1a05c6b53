import type { PublishedIndexDocument } from '../store/documents.ts';
import type { VectorSet } from '../store/embeddings.ts';
import type { Candidates } from './vector-machine.ts';

/** A set of vectors to search, and the number of elements of each. */
export interface SearchedSet extends VectorSet {
  dim: number;
  /** Its published index, as the dataset names it. Without it, vectors are read from MongoDB. */
  index?: PublishedIndexDocument | undefined;
}

/**
 * Finds candidates: vectors that are near a query by some approximation. The search reads their samples and vectors from
 * MongoDB, so a candidate that is stale or gone does no harm.
 */
export interface Finder {
  /**
   * Opens a set as it is now: every vector that was stored before this call can be found.
   *
   * @throws UserError SearchUnavailable
   */
  at(set: SearchedSet): Promise<FinderAt>;
  close(): Promise<void>;
}

/** A set at one moment. */
export interface FinderAt {
  /** The most candidates that one call can find. */
  readonly most: number;
  /** Finds up to `count` candidates, best first, `among` these seqs if given. */
  find(query: Float32Array, count: number, among?: readonly number[]): Promise<Candidates>;
}
