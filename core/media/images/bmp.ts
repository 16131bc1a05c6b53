import { decode } from 'bmp-ts';
import { ImageError, tooManyPixels } from './image-error.ts';

/**
 * libvips does not read BMP. `bmp-ts`, Jimp's decoder, is correct for these depths, but not for RLE and 4-bit images.
 */
const BITS_PER_PIXEL = new Set([1, 8, 16, 24, 32]);
const UNCOMPRESSED = new Set([0 /* BI_RGB */, 3 /* BI_BITFIELDS */, 6 /* BI_ALPHABITFIELDS */]);

/**
 * Decodes a BMP file to RGB, three bytes per pixel. Ignores alpha, because most writers leave it zero without meaning.
 *
 * @throws ImageError
 */
export function decodeBmp(content: Buffer, maxPixels: number): { width: number; height: number; rgb: Buffer } {
  if (content.length < 54) throw new ImageError('decode_failed', 'the file is damaged: the BMP header is truncated');
  const bits = content.readUInt16LE(28);
  const compression = content.readUInt32LE(30);
  if (!BITS_PER_PIXEL.has(bits) || !UNCOMPRESSED.has(compression))
    throw new ImageError('unsupported_format', `BMP with ${bits} bits a pixel and compression ${compression}`);
  const pixels = content.readUInt32LE(18) * Math.abs(content.readInt32LE(22));
  if (pixels > maxPixels) throw tooManyPixels(maxPixels, pixels);
  if (pixels * bits > content.length * 8) throw new ImageError('decode_failed', 'the file is damaged: it is cut short');

  const { width, height, data: abgr } = decodeWhole(content);
  const rgb = Buffer.allocUnsafe(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = abgr[from + 3] as number;
    rgb[to + 1] = abgr[from + 2] as number;
    rgb[to + 2] = abgr[from + 1] as number;
  }
  return { width, height, rgb };
}

function decodeWhole(content: Buffer): { width: number; height: number; data: Uint8Array } {
  try {
    return decode(content);
  } catch {
    throw new ImageError('decode_failed', 'the file is damaged');
  }
}
