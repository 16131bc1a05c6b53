/** What callers say about vectors of their own, and what they are told. */
import { z } from 'zod';
import { BUILT_IN_MODEL } from './built-in-model.ts';

/** Why a vector of a file is left out. */
export const INVALID_VECTOR_REASONS = [
  'malformed',
  'bad_encoding',
  'no_sample',
  'ambiguous',
  'no_vector',
  'wrong_length',
  'not_finite',
  'zero_vector',
] as const;
export type InvalidVectorReason = (typeof INVALID_VECTOR_REASONS)[number];

/** The key of the model that has made vectors of a user's own. */
export const importedModelKey = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}(:[a-z0-9]{2,5})?@[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, {
    error: ({ input }) =>
      `must be name@revision, each of letters, digits, ".", "_" and "-", not ${JSON.stringify(String(input).slice(0, 100))}`,
  })
  .refine((key) => !key.startsWith(`${BUILT_IN_MODEL}@`), `must have another name: ${BUILT_IN_MODEL} is one of ours`);

export const IMPORTED_STATES = ['reading', 'completed'] as const;

/** How far an import of vectors is. */
export interface ImportedStatus {
  state: (typeof IMPORTED_STATES)[number];
  /** The file. */
  path: string;
  /** Rows or lines that were read, and how many there are, where that is known before the end. */
  rows: number;
  total?: number;
  /** Samples that have a vector of the file now. */
  vectors: number;
  /** Rows of a sample that had one in the same file before: the last one counts. */
  repeated: number;
  /** Rows of samples that the dataset does not have, or whose file is missing or can't be read. At most 100 are named. */
  unknown: number;
  unknown_names: string[];
  /** Rows that were left out, by reason. At most 100 are named. */
  invalid: Partial<Record<InvalidVectorReason, number>>;
  invalid_named: { reason: InvalidVectorReason; row: number; message: string }[];
}
