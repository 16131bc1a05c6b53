import type { Sharp } from 'sharp';
import type { Budget } from '../../concurrency/budget.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from './decode-limits.ts';
import { openImage, withImageFile } from './open-image.ts';
import { weightOf } from './weight.ts';

/** Where an image is. `path` is a Buffer of raw bytes when the name is not valid UTF-8. */
export interface ImageRef {
  path: string | Buffer;
}

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
 * @param memory what it takes of it is held until the image is decoded
 * @throws ImageError
 */
export async function decodePixels(
  { path }: ImageRef,
  geometry: PixelGeometry,
  limits: DecodeLimits = DEFAULT_DECODE_LIMITS,
  memory?: Budget,
): Promise<Uint8Array> {
  return withImageFile(path, limits, async (image) => {
    const giveBack = await memory?.take(weightOf(image.head, image.size));
    try {
      return await render(await openImage(image, limits), geometry, limits);
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
