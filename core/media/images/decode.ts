import type { Sharp } from 'sharp';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from './decode-limits.ts';
import { type ImageFile, loadImage, withImage } from './open-image.ts';
import { type PixelGeometry, resizeAndCrop } from './resize.ts';
import { weightOf } from './weight.ts';

/** Reserves a decoding slot and memory for an image of this many bytes. Resolves with a function that releases both. */
export type DecodingRoom = (bytes: number) => Promise<() => void>;

/**
 * Decodes an image to 8-bit sRGB, three bytes per pixel, row by row, as it is displayed: applies EXIF orientation,
 * converts embedded profiles, takes the first frame of an animation, and draws SVG at the requested size without
 * fetching its links.
 *
 * Transparency is composited on white, the background that most transparent pictures assume (logos, drawings,
 * screenshots). Dropping alpha would reveal arbitrary colours of invisible pixels.
 *
 * @param room reserved once the image is open, so a slow disk holds no slot
 * @throws ImageError
 */
export async function decodePixels(
  input: ImageFile,
  geometry: PixelGeometry,
  limits: DecodeLimits = DEFAULT_DECODE_LIMITS,
  room?: DecodingRoom,
): Promise<Uint8Array> {
  return withImage(input, limits, async (image) => {
    const giveBack = await room?.(weightOf(image.head, image.size));
    try {
      return await render(await loadImage(image, limits), geometry, limits);
    } finally {
      giveBack?.();
    }
  });
}

async function render(image: Sharp, geometry: PixelGeometry, { timeoutSeconds }: DecodeLimits): Promise<Uint8Array> {
  image.timeout({ seconds: timeoutSeconds }).flatten({ background: 'white' }).toColourspace('srgb');
  const { data } = await resizeAndCrop(image, geometry);
  return data;
}
