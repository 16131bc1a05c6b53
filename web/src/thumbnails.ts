import type { Sample } from './api/shapes.ts';
import { samplePath } from './state/route.ts';

/** The address of a sample's picture, of a size that the server keeps. It changes with the file, so that a browser may keep it. */
export const thumbnailUrl = (
  dataset: string,
  { seq, version }: Pick<Sample, 'seq' | 'version'>,
  size: number,
): string => `/api${samplePath(dataset, seq)}/thumbnail?size=${size}&v=${encodeURIComponent(version)}`;

/** The picture of a sample that is looked at by itself. */
export const LARGE = 1024;
