import type { FileHandle } from 'node:fs/promises';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from './decode-limits.ts';
import { examineImage, imageErrorOf, openImage } from './open-image.ts';

const QUALITY = 80;

/**
 * The image in an open file as WebP, its longer side `side` pixels at most, as it is displayed; smaller images keep their size.
 * Transparency stays.
 *
 * @throws ImageError
 */
export async function makeThumbnail(
  file: FileHandle,
  path: Buffer,
  side: number,
  limits: DecodeLimits = DEFAULT_DECODE_LIMITS,
): Promise<Buffer> {
  try {
    const image = await openImage(await examineImage(file, path), limits);
    return await image
      .timeout({ seconds: limits.timeoutSeconds })
      .resize(side, side, { fit: 'inside', withoutEnlargement: true })
      .toColourspace('srgb')
      .webp({ quality: QUALITY, effort: 2 })
      .toBuffer();
  } catch (error) {
    throw imageErrorOf(error as Error);
  }
}
