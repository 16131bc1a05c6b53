import sharp, { type Sharp } from 'sharp';

/** How an image is resized and cropped for a model. All sizes are in pixels. */
export interface PixelGeometry {
  /** `fill` stretches to width x height. `cover` keeps the aspect ratio: the shorter edge becomes that of the square. */
  resize: {
    fit: 'cover' | 'fill';
    width: number;
    height: number;
    kernel: 'nearest' | 'linear' | 'cubic' | 'lanczos3';
    /**
     * Whether an enlarged image lies where Pillow puts it. libvips puts it half a pixel of the source further right and
     * down, which models without a named image processor keep, so that their vectors of small images stay.
     */
    asPillow?: boolean;
  };
  /** The central crop after resizing. It is no larger than `resize`, and all of it for `fill` without a crop. */
  crop: { width: number; height: number };
}

interface Size {
  width: number;
  height: number;
}

type Kernel = PixelGeometry['resize']['kernel'];

/** Pixels of 8 bits, row by row, and what they are. */
interface RawImage {
  data: Uint8Array;
  info: Size & { channels: number };
}

/**
 * Resizes an image and cuts out its middle, at the places where transformers does with Pillow.
 *
 * sharp's own covering crop is not used: it rounds the longer edge and the crop's offset up, where transformers rounds
 * both down, which moves what the model sees by up to a pixel of its input.
 *
 * @param known the size of the image as it is displayed, if it is known and not that of a drawing
 */
export async function resizeAndCrop(image: Sharp, { resize, crop }: PixelGeometry, known?: Size): Promise<RawImage> {
  const { fit, kernel, asPillow } = resize;
  if (fit === 'fill' && !asPillow)
    return cropped(image.resize(resize.width, resize.height, { fit, kernel }), resize, crop);

  const { autoOrient: shown, format } =
    known === undefined ? await image.metadata() : { autoOrient: known, format: '' };
  const size = fit === 'cover' ? coveringSize(shown, resize) : resize;
  const enlarges = size.width > shown.width || size.height > shown.height;
  // A drawing is drawn at the size that is asked for.
  if (!enlarges || !asPillow || format === 'svg')
    return cropped(image.resize(size.width, size.height, { fit: 'fill', kernel }), size, crop);

  return enlarged(await shrunk(image, shown, size, kernel), size, crop, kernel);
}

/** The size whose shorter edge is that of the target, as `get_resize_output_image_size` of transformers computes it. */
function coveringSize({ width, height }: Size, target: Size): Size {
  if (width <= height) return { width: target.width, height: Math.floor((target.width * height) / width) };
  return { width: Math.floor((target.height * width) / height), height: target.height };
}

function cropped(image: Sharp, size: Size, crop: Size): Promise<RawImage> {
  if (crop.width !== size.width || crop.height !== size.height) image.extract({ ...cornerOf(size, crop), ...crop });
  return raw(image);
}

/** An image to enlarge whose one edge was shrunk first, if only the other grows. */
async function shrunk(image: Sharp, shown: Size, size: Size, kernel: Kernel): Promise<Sharp> {
  if (size.width >= shown.width && size.height >= shown.height) return image;
  const width = Math.min(shown.width, size.width);
  const height = Math.min(shown.height, size.height);
  const { data, info } = await raw(image.resize(width, height, { fit: 'fill', kernel }));
  return sharp(data, { raw: { width, height, channels: info.channels as 3 } });
}

/**
 * libvips puts an enlarged image half a pixel of the source too far right and down: its pixel i of a scale s shows the
 * place i / s - 1/2, where Pillow's shows (i + 1/2) / s - 1/2. That is pixel 2 i + 1 of the scale 2 s, so the image is
 * made twice as large, and every second pixel is taken.
 */
async function enlarged(image: Sharp, size: Size, crop: Size, kernel: Kernel): Promise<RawImage> {
  const { left, top } = cornerOf(size, crop);
  image
    .resize(2 * size.width, 2 * size.height, { fit: 'fill', kernel })
    .extract({ left: 2 * left, top: 2 * top, width: 2 * crop.width, height: 2 * crop.height });
  const { data, info } = await raw(image);
  const { channels } = info;
  const pixels = new Uint8Array(crop.width * crop.height * channels);
  let to = 0;
  for (let row = 0; row < crop.height; row++) {
    for (let column = 0; column < crop.width; column++) {
      const from = ((2 * row + 1) * info.width + 2 * column + 1) * channels;
      for (let channel = 0; channel < channels; channel++) pixels[to++] = data[from + channel] as number;
    }
  }
  return { data: pixels, info: { ...crop, channels } };
}

function cornerOf(size: Size, crop: Size): { left: number; top: number } {
  return { left: Math.floor((size.width - crop.width) / 2), top: Math.floor((size.height - crop.height) / 2) };
}

function raw(image: Sharp): Promise<RawImage> {
  return image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
}
