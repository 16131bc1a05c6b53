/** Decodes TIFFs whose samples libvips would misread: it decodes them unchanged, and they are interpreted here. */
import sharp, { type Sharp, type SharpOptions } from 'sharp';
import { ImageError } from './image-error.ts';
import type { TiffDecoding, TiffLayout } from './tiff.ts';

/** The samples are held as a whole, so larger pictures are refused. Ordinary layouts are read strip by strip. */
const MAX_SAMPLES_BYTES = 1024 * 1024 * 1024;

/**
 * Opens the page as an image of grey or RGB samples, with alpha if it has any.
 *
 * @throws ImageError
 */
export async function openTiff(
  input: string | Buffer,
  layout: TiffLayout,
  { keep, range, isGrey }: TiffDecoding,
  options: SharpOptions,
): Promise<Sharp> {
  const { page, width, height, samples } = layout;
  const file = sharp(input, { ...options, page, limitInputChannels: 0xffff, ignoreIcc: range !== undefined });
  if (keep === undefined && range === undefined) return file;
  if (width * height * samples * (range === undefined ? 1 : 4) > MAX_SAMPLES_BYTES)
    throw new ImageError('unsupported_format', 'TIFF with extra bands or 32-bit samples is too large to be decoded');
  if (range === 'float' && layout.hasProfile) await refuseOtherProfiles(file);

  // Without a conversion of colours, the samples come as they are in the file.
  if (range !== undefined) {
    const unchanged = isGrey ? 'b-w' : range === 'float' ? 'scrgb' : 'srgb';
    file.pipelineColourspace(unchanged).toColourspace(unchanged);
  }
  const depth = range === undefined ? 'uchar' : range === 'float' ? 'float' : 'uint';
  const { data, info } = await file.raw({ depth }).toBuffer({ resolveWithObject: true });
  const kept = range !== undefined && isGrey ? [0] : (keep ?? [0, 1, 2]);
  const values =
    range === undefined
      ? data
      : range === 'float'
        ? new Float32Array(data.buffer, data.byteOffset, data.length / 4)
        : new Uint32Array(data.buffer, data.byteOffset, data.length / 4);
  const scale = scaleOf(values, range, info.channels, kept);
  const pixels = pick(values, info.channels, kept, scale);
  return sharp(pixels, {
    raw: { width: info.width, height: info.height, channels: kept.length as 1 | 3 | 4 },
  });
}

type Samples = Uint8Array | Uint32Array | Float32Array;

/** Copies the kept samples of each pixel, times `scale`. Values out of range are clipped, and NaN becomes 0. */
function pick(from: Samples, channels: number, kept: readonly number[], scale: number): Uint8ClampedArray {
  const pixels = new Uint8ClampedArray((from.length / channels) * kept.length);
  for (let at = 0, to = 0; at < from.length; at += channels)
    for (const channel of kept) pixels[to++] = (from[at + channel] as number) * scale;
  return pixels;
}

/**
 * The factor from samples to 8 bits. Integers span their depth. Floats span 0 to 1, as ImageMagick, Photoshop and
 * scikit-image write them, or 0 to 255; brighter highlights are clipped. They are encoded as they are displayed:
 * TIFF has no word for linear light, and tools without profiles write what they show.
 *
 * @throws ImageError unsupported_format when no white is known, as for a map of heights
 */
function scaleOf(values: Samples, range: TiffDecoding['range'], channels: number, kept: readonly number[]): number {
  if (range === undefined) return 1;
  if (range === 'uint32') return 255 / 0xffff_ffff;
  let [most, sum, count] = [0, 0, 0];
  for (let at = 0; at < values.length; at += channels)
    for (const channel of kept) {
      const value = values[at + channel] as number;
      if (Number.isNaN(value)) continue;
      if (value > most) most = value;
      sum += value;
      count += 1;
    }
  if (most <= 1 || sum <= count) return 255;
  if (most <= 255) return 1;
  throw new ImageError(
    'unsupported_format',
    `TIFF with float samples up to ${most.toLocaleString('en-US')}, where 1 or 255 would be white, can't be decoded`,
  );
}

/** libvips can't apply a profile to float samples. Those of sRGB need none. */
async function refuseOtherProfiles(file: Sharp): Promise<void> {
  const { icc } = await file.metadata();
  const text = icc?.toString('latin1').replaceAll('\0', '') ?? '';
  if (icc !== undefined && (!/sRGB/.test(text) || /linear/i.test(text)))
    throw new ImageError(
      'unsupported_format',
      "TIFF with float samples and a profile other than sRGB can't be decoded",
    );
}
