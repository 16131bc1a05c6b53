import type { IndexKind } from '../../contract/job.ts';
import type { IndexFiles } from './vector-machine.ts';

/** The part of an unfinished index that a folder holds. */
export interface SavedIndex {
  /** How many vectors are saved. */
  count: number;
  /** The seq of the last one; -1 if there are none. */
  lastSeq: number;
}

/** The files of a built index, and their sizes in bytes. */
export interface BuiltIndex {
  files: IndexFiles;
  count: number;
}

/**
 * Builds an index in a folder, from vectors in seq order. What `save` has written is complete: an attempt that is killed
 * later goes on from there.
 */
export interface IndexBuilder {
  /** Goes on with what is saved in the folder for this index, or begins anew. `threads` add to the graph. */
  open(folder: string, index: { dim: number; kind: IndexKind; threads: number }): Promise<SavedIndex>;
  /** Adds vectors of length 1, one after the other. Their seqs are higher than all before. */
  add(seqs: readonly number[], vectors: Float32Array): Promise<void>;
  /** Writes everything to the disk. */
  save(): Promise<void>;
  /** Saves, and returns the files. */
  finish(): Promise<BuiltIndex>;
  close(): Promise<void>;
}
