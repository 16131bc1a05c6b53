import type { IndexKind } from '../../contract/job.ts';
import type { ClusterTime } from '../store/cluster-time.ts';
import type { IndexFiles } from './vector-machine.ts';

/** When a build began. */
export interface BuildBeginning {
  /** The index holds every vector that was written before this time. */
  covers: ClusterTime;
  /** How many vectors its set had. */
  vectors: number;
}

/** The part of an unfinished index that a folder holds. */
export interface SavedIndex {
  beginning: BuildBeginning;
  /** How many vectors are saved. */
  count: number;
  /** The seq of the last one; -1 if there are none. */
  lastSeq: number;
}

/** The files of a built index, and the folder that they are in. */
export interface BuiltIndex {
  folder: string;
  files: IndexFiles;
  count: number;
}

/**
 * Builds an index in a folder, from vectors in seq order. What `save` has written is complete: an attempt that is killed
 * later goes on from there.
 */
export interface IndexBuilder {
  /**
   * Claims the folder of this index, or one beside it if another process builds there, until the builder is closed.
   * Returns what is saved there, to go on with; undefined if nothing is, or it can't be read. `threads` add to the graph.
   */
  open(folder: string, index: { dim: number; kind: IndexKind; threads: number }): Promise<SavedIndex | undefined>;
  /** Begins anew in the folder that was opened. */
  begin(beginning: BuildBeginning): Promise<void>;
  /** Adds vectors of length 1, one after the other. Their seqs are higher than all before. */
  add(seqs: readonly number[], vectors: Float32Array): Promise<void>;
  /** Writes everything to the disk. */
  save(): Promise<void>;
  /** Saves, and returns the files. */
  finish(): Promise<BuiltIndex>;
  /** Gives the folder back, with what is saved in it. */
  close(): Promise<void>;
}
