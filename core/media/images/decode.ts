import type { Sharp } from 'sharp';
import { findJpegFrame } from './channels.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from './decode-limits.ts';
import { ImageError } from './image-error.ts';
import { type ImageFile, loadImage, type OpenImage, withImage } from './open-image.ts';
import { type PixelGeometry, resizeAndCrop } from './resize.ts';
import { weightOf } from './weight.ts';

const RGB_CHANNELS = 3;

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
      return await render(await loadImage(image, limits), geometry, limits, plainJpegSize(image));
    } finally {
      giveBack?.();
    }
  });
}

async function render(
  image: Sharp,
  geometry: PixelGeometry,
  { timeoutSeconds }: DecodeLimits,
  shown: { width: number; height: number } | undefined,
): Promise<Uint8Array> {
  image.timeout({ seconds: timeoutSeconds }).flatten({ background: 'white' }).toColourspace('srgb');
  return checkShape(await resizeAndCrop(image, geometry, shown), geometry.crop);
}

/** The size of a JPEG that nothing turns. Asking libvips opens the image once more, a twentieth of its decoding. */
function plainJpegSize({ format, head }: OpenImage): { width: number; height: number } | undefined {
  const frame = format === 'jpeg' ? findJpegFrame(head) : undefined;
  return frame?.isWhole && frame.exif.length === 0 && frame.height > 0 ? frame : undefined;
}

/**
 * The pixels, if they are what a tensor takes: RGB of this size. libvips gives other bands for colours that it does not
 * know, and pixels of another length would leave parts of another image in a batch.
 *
 * @throws ImageError unsupported_format
 */
export function checkShape(
  { data, info }: { data: Uint8Array; info: { width: number; height: number; channels: number } },
  { width, height }: PixelGeometry['crop'],
): Uint8Array {
  if (info.width !== width || info.height !== height || info.channels !== RGB_CHANNELS)
    throw new ImageError(
      'unsupported_format',
      `${info.channels} bands of ${info.width}x${info.height} were decoded; RGB of ${width}x${height} is needed`,
    );
  return data;
}
