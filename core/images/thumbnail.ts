import { DEFAULT_DECODE_LIMITS, type DecodeLimits, type ImageRef, withImage } from './decode.ts';

const QUALITY = 80;

/**
 * The image as WebP, its longer side `side` pixels at most, as it is displayed; smaller images keep their size.
 * Transparency stays.
 *
 * @throws ImageError
 */
export function makeThumbnail(
  image: ImageRef,
  side: number,
  limits: DecodeLimits = DEFAULT_DECODE_LIMITS,
): Promise<Buffer> {
  return withImage(image, limits, (opened) =>
    opened
      .timeout({ seconds: limits.timeoutSeconds })
      .resize(side, side, { fit: 'inside', withoutEnlargement: true })
      .toColourspace('srgb')
      .webp({ quality: QUALITY, effort: 2 })
      .toBuffer(),
  );
}
