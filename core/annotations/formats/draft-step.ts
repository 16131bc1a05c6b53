import type { ReadStep } from './format.ts';

/** A step that is being filled. */
export type DraftStep = Omit<ReadStep, 'cursor'>;

const FULL_PIECES = 1000;
const FULL_BYTES = 1 << 20;
/** Messages take memory, too. */
const FULL_INVALID = 1000;

export const emptyDraft = (): DraftStep => ({ pieces: [], invalid: [], classes: [], bytes: 0 });

/** Whether a step has what one step may have. */
export const isFull = ({ pieces, invalid, bytes }: DraftStep): boolean =>
  pieces.length >= FULL_PIECES || bytes >= FULL_BYTES || invalid.length >= FULL_INVALID;

/** Whether a step says nothing. */
export const isEmpty = ({ pieces, invalid, classes, bytes }: DraftStep): boolean =>
  pieces.length + invalid.length + classes.length + bytes === 0;

/** Adds all of a draft to another. */
export function addTo(draft: DraftStep, more: DraftStep): void {
  for (const piece of more.pieces) draft.pieces.push(piece);
  for (const invalid of more.invalid) draft.invalid.push(invalid);
  for (const declared of more.classes) draft.classes.push(declared);
  draft.bytes += more.bytes;
}
