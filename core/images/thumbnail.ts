import type { FileHandle } from 'node:fs/promises';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits, withOpenImage } from './decode.ts';

const QUALITY = 80;

/**
 * The image in an open file as WebP, its longer side `side` pixels at most, as it is displayed; smaller images keep their size.
 * Transparency stays. As `withOpenImage`, it wants `sharp.cache(false)`.
 *
 * @throws ImageError
 */
export function makeThumbnail(
  file: FileHandle,
  side: number,
  limits: DecodeLimits = DEFAULT_DECODE_LIMITS,
): Promise<Buffer> {
  return withOpenImage(file, limits, (opened) =>
    opened
      .timeout({ seconds: limits.timeoutSeconds })
      .resize(side, side, { fit: 'inside', withoutEnlargement: true })
      .toColourspace('srgb')
      .webp({ quality: QUALITY, effort: 2 })
      .toBuffer(),
  );
}
