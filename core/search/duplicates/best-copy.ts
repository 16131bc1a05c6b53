import type { SampleDocument } from '../../store/documents.ts';

/** The facts that decide which of several copies to keep. */
export interface Copy {
  seq: number;
  metadata: SampleDocument['metadata'];
  sizeBytes: number;
}

/** Orders copies: the one with the most pixels first; of equal ones, the one with the most bytes, then the lowest seq. */
export function byQuality(a: Copy, b: Copy): number {
  return pixelsOf(b) - pixelsOf(a) || b.sizeBytes - a.sizeBytes || a.seq - b.seq;
}

/** 0 for a medium without pixels. */
function pixelsOf({ metadata }: Copy): number {
  const { width, height } = metadata ?? {};
  return typeof width === 'number' && typeof height === 'number' ? width * height : 0;
}
