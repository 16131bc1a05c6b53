import type { AnnotationsStatus } from '../../contract/annotations.ts';
import type { ReadingDocument } from '../store/documents.ts';

/** What applying annotations has done so far. */
export type AppliedCounts = Omit<
  AnnotationsStatus,
  'state' | 'error' | 'field' | 'paths' | 'found' | 'bytes' | 'objects'
>;

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
