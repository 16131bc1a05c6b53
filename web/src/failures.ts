import type { Job, PhaseName } from './api/shapes.ts';
import { count } from './words.ts';

/** Failures by phase: files that could not be indexed, and samples that could not be embedded. */
export type Failures = Record<PhaseName, number>;

export const failuresOf = ({ phases }: Job): Failures => ({
  indexing: phases.indexing.failed,
  embedding: phases.embedding.failed,
});
export const sumOf = ({ indexing, embedding }: Failures) => indexing + embedding;

export const FAILED_WORDS: Readonly<Record<PhaseName, string>> = {
  indexing: 'failed to index',
  embedding: 'failed to embed',
};
export const STAGE_TITLES: Readonly<Record<PhaseName, string>> = {
  indexing: 'Failed to index',
  embedding: 'Failed to embed',
};
/** Filter of the failed samples of each phase, as in a dataset's URL. */
export const FAILED_QUERIES: Readonly<Record<PhaseName, string>> = {
  indexing: 'status=failed',
  embedding: 'error=embedding',
};

/** Words for each phase with failures: `5 failed to index`, `8 failed to embed`. */
export function failureWords(failures: Failures): { phase: PhaseName; words: string }[] {
  return (['indexing', 'embedding'] as const)
    .filter((phase) => failures[phase] > 0)
    .map((phase) => ({ phase, words: `${count(failures[phase])} ${FAILED_WORDS[phase]}` }));
}

const CODES: Readonly<Record<string, string>> = {
  empty_file: 'Empty file',
  not_an_image: 'Not an image',
  unsupported_format: 'Format not supported',
  truncated_header: 'Cut short',
  file_not_found: 'File not found',
  permission_denied: 'No permission',
  io_error: 'Could not be read',
  not_a_file: 'Not a file',
  too_many_pixels: 'Too many pixels',
  decode_failed: 'Damaged',
  decode_timeout: 'Took too long',
  no_text: 'No text',
  not_text: 'Not a text',
  encrypted: 'Encrypted',
  broken_document: 'Damaged',
  document_too_large: 'Too large',
  archive_bomb: 'Unpacks to too much',
  read_timeout: 'Took too long',
  read_crashed: 'Crashed its reader',
  inference_failed: 'Model failed',
  inference_crashed: 'Model crashed',
  vector_not_finite: 'Vector not finite',
};

/** A failure's code in words. An unknown code is made readable. */
export function codeWords(code: string): string {
  const words = code.replaceAll('_', ' ');
  return CODES[code] ?? `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;
}
