import type { InvalidVectorReason } from '../../contract/imported.ts';

/** A row of a file of vectors. */
export interface VectorRow {
  /** Its number in the file: lines count from 1, rows from 0. */
  row: number;
  /** What it says of its sample: a number, or a path. Both must agree. */
  seq?: number | undefined;
  name?: string | undefined;
  /** Any value: only a list of numbers is a vector. */
  vector?: unknown;
  /** Why it can't be used. */
  problem?: RowProblem;
}

export interface RowProblem {
  reason: InvalidVectorReason;
  /** One sentence, with the value. */
  message: string;
}

/** A place between two rows, to go on from. */
export interface RowCursor {
  /** Rows before it. */
  rows: number;
  /** Of a text file: the place behind the line before. */
  offset?: number;
  line?: number;
}

/** Some rows, and the place behind them. */
export interface RowStep {
  rows: VectorRow[];
  cursor: RowCursor;
}

/** A file of vectors that was looked at. Memory for a step is bounded. */
export interface VectorReader {
  /** Rows in the file, if it says so. */
  total?: number;
  /** The length of its vectors, if the file has one for all. */
  dim?: number;
  /** Changes with the content of the files that are read. */
  fingerprint: string;
  /** Reads on from a place. */
  read(from: RowCursor): AsyncGenerator<RowStep>;
}

/** Limits of a step: rows, and numbers in their vectors. */
const STEP = { rows: 1000, numbers: 1 << 20 };

/** Rows of a step if vectors have this length. */
export const rowsOfStep = (dim: number): number => Math.min(STEP.rows, Math.max(1, Math.floor(STEP.numbers / dim)));

/** The longest vector that is read. */
export const MAX_DIM = 1 << 16;
