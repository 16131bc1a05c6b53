import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from './decode-limits.ts';
import type { ThumbnailOrder } from './decoder/messages.ts';
import { ImageError } from './image-error.ts';
import { loadImage, withImage } from './open-image.ts';

const QUALITY = 80;

/**
 * Draws an image as WebP, as it is displayed. Its longer side has at most `side` pixels; smaller images keep their
 * size. Keeps transparency.
 *
 * @throws ImageError
 */
export function drawThumbnail(
  { image: input, side }: Omit<ThumbnailOrder, 'type'>,
  limits: DecodeLimits = DEFAULT_DECODE_LIMITS,
): Promise<Uint8Array<ArrayBuffer>> {
  return withImage(input, limits, async (image) => {
    if ('identity' in input && (await image.identity()) !== input.identity)
      throw new ImageError('file_not_found', 'another file took its place while it was drawn');
    const drawn = await loadImage(image, limits);
    const picture = await drawn
      .timeout({ seconds: limits.timeoutSeconds })
      .resize(side, side, { fit: 'inside', withoutEnlargement: true })
      .toColourspace('srgb')
      .webp({ quality: QUALITY, effort: 2 })
      .toBuffer();
    return new Uint8Array(picture);
  });
}
