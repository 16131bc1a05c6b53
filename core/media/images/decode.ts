import type { Sharp } from 'sharp';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from './decode-limits.ts';
import { type ImageInput, loadImage, withImage } from './open-image.ts';
import { weightOf } from './weight.ts';

/** Lends a place to decode in, and memory for an image of so many bytes. Resolves with what gives both back. */
export type DecodingRoom = (bytes: number) => Promise<() => void>;

/** How pixels are brought to the size that a model takes. All sizes are in pixels. */
export interface PixelGeometry {
  /** `fill` squeezes into width x height; `cover` keeps the aspect ratio, covers width x height and crops what is over, centred. */
  resize: { fit: 'cover' | 'fill'; width: number; height: number; kernel: 'nearest' | 'linear' | 'cubic' | 'lanczos3' };
  /** Then the centre of this size is kept; no larger than `resize`. */
  crop: { width: number; height: number };
}

/**
 * The image as 8-bit sRGB, three bytes a pixel, row by row, as it is displayed: EXIF orientation applied, embedded profiles
 * converted, the first frame of animations, SVG drawn at the size asked for (never fetching what it links to).
 *
 * Transparency is laid on white: that is the page most transparent pictures were made for (logos, drawings, screenshots), and
 * dropping alpha would show whatever colour an editor left in pixels that nobody sees.
 *
 * @param room taken once the image is open, so a slow disk holds no place
 * @throws ImageError
 */
export async function decodePixels(
  input: ImageInput,
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

async function render(
  image: Sharp,
  { resize, crop }: PixelGeometry,
  { timeoutSeconds }: DecodeLimits,
): Promise<Uint8Array> {
  image
    .timeout({ seconds: timeoutSeconds })
    .flatten({ background: 'white' })
    .toColourspace('srgb')
    .resize(resize.width, resize.height, { fit: resize.fit, position: 'centre', kernel: resize.kernel });
  if (crop.width !== resize.width || crop.height !== resize.height) {
    image.extract({
      left: Math.floor((resize.width - crop.width) / 2),
      top: Math.floor((resize.height - crop.height) / 2),
      ...crop,
    });
  }
  return image.raw({ depth: 'uchar' }).toBuffer();
}
