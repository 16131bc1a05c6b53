/** Decodes images to pixels. Decoder processes load this module for the medium. */
import type { OpenDecoder } from '../preparation.ts';
import type { DecodeLimits } from './decode-limits.ts';
import { createDecoding } from './decoding.ts';
import type { PixelGeometry } from './resize.ts';
import { restrictLoaders } from './restrict-loaders.ts';

/** The geometry of decoded images, and the limits of decoding. */
export interface DecodingOptions {
  geometry: PixelGeometry;
  limits: DecodeLimits;
}

/** Opens the decoder of images: to RGB of 8 bits, row by row, of the geometry's size. */
export const openDecoder: OpenDecoder = async ({ options, threads }) => {
  restrictLoaders();
  const { geometry, limits } = options as DecodingOptions;
  return createDecoding(geometry, limits, threads);
};
