/** Decodes images to pixels. Decoder processes load this module for the medium. */
import sharp from 'sharp';
import type { OpenDecoder } from '../preparation.ts';
import type { DecodeLimits } from './decode-limits.ts';
import { createDecoding } from './decoding.ts';
import type { PixelGeometry } from './resize.ts';

/** What an image becomes, and the limits of its decoding. */
export interface DecodingOptions {
  geometry: PixelGeometry;
  limits: DecodeLimits;
}

/** Opens the decoder of images: to RGB of 8 bits, row by row, of the geometry's size. */
export const openDecoder: OpenDecoder = async ({ options, threads }) => {
  // Images are decoded in parallel, each in one thread. The cache is off, so a replaced file is read again.
  sharp.concurrency(1);
  sharp.cache(false);
  // Drawings are never opened as files, because librsvg would follow their links. A file may become a drawing while it
  // is read.
  sharp.block({ operation: ['VipsForeignLoadSvgFile'] });
  const { geometry, limits } = options as DecodingOptions;
  return createDecoding(geometry, limits, threads);
};
