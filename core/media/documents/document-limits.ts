import { UserError } from '../../errors.ts';
import { ItemError } from '../item-error.ts';

/** Limits on reading one document. */
export interface DocumentLimits {
  /** The largest file, in bytes. Larger ones are refused before they are read. */
  maxBytes: number;
}

/** Larger text files are logs and dumps, which nobody searches for a passage. */
export const DEFAULT_DOCUMENT_LIMITS: DocumentLimits = { maxBytes: 32 * 1024 * 1024 };

/** The longest text of one document, in UTF-16 code units: 40 novels. It bounds what an archive or a PDF can become. */
export const MAX_CHARACTERS = 20_000_000;

/**
 * The limits, with PLIMSOLL_MAX_DOCUMENT_BYTES or its default.
 *
 * @throws UserError InvalidSetting
 */
export function documentLimitsFromEnvironment({
  PLIMSOLL_MAX_DOCUMENT_BYTES: text,
}: NodeJS.ProcessEnv): DocumentLimits {
  if (text === undefined || text === '') return DEFAULT_DOCUMENT_LIMITS;
  const maxBytes = Number(text);
  if (Number.isSafeInteger(maxBytes) && maxBytes >= 1) return { maxBytes };
  throw new UserError(
    'InvalidSetting',
    `PLIMSOLL_MAX_DOCUMENT_BYTES is "${text}"; a whole number above 0 is expected.`,
  );
}

/** The error for a file of more bytes than allowed. */
export function tooManyBytes(bytes: number, { maxBytes }: DocumentLimits): ItemError {
  return new ItemError(
    'document_too_large',
    `the file has ${inWords(bytes)} bytes; the limit is ${inWords(maxBytes)}. ` +
      'Split it, or raise PLIMSOLL_MAX_DOCUMENT_BYTES',
  );
}

/** @throws ItemError document_too_large for a longer text than allowed */
export function checkLength(characters: number): void {
  if (characters > MAX_CHARACTERS)
    throw new ItemError(
      'document_too_large',
      `the text has more than ${inWords(MAX_CHARACTERS)} characters, the limit of a document. Split the file`,
    );
}

const inWords = (count: number) => count.toLocaleString('en-US');
