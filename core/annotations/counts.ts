import type { ReadingDocument } from '../store/documents.ts';

/** What applying annotations has done so far. */
export interface AppliedCounts {
  matched: number;
  changed: number;
  removed: number;
  without_annotations: number;
  without_sample: number;
  without_sample_names: string[];
  clipped: number;
  outside: number;
  invalid: Record<string, number>;
  invalid_named: ReadingDocument['invalid_named'];
}

/** The counts before anything is applied: what could not be read is known. */
export const firstCounts = ({ invalid, invalid_named }: ReadingDocument): AppliedCounts => ({
  matched: 0,
  changed: 0,
  removed: 0,
  without_annotations: 0,
  without_sample: 0,
  without_sample_names: [],
  clipped: 0,
  outside: 0,
  invalid,
  invalid_named,
});
