/**
 * Decodes BMP, which libvips does not read. The decoders on npm ignore where the pixels begin, or read neither headers
 * of OS/2 nor run lengths.
 */
import { type BmpHeader, parseBmpHeader } from './bmp-header.ts';
import { ImageError, tooManyPixels } from './image-error.ts';

/** A pair of bytes stands for at most 255 pixels. Rows that are left out take less, so small pictures may have more. */
const RUN_PIXELS_PER_BYTE = 128;
const SMALL_PIXELS = 1_000_000;

/**
 * Decodes a BMP file to RGB, three bytes per pixel. Ignores alpha, because most writers leave it zero without meaning.
 *
 * @throws ImageError
 */
export function decodeBmp(content: Buffer, maxPixels: number): { width: number; height: number; rgb: Buffer } {
  const header = parseBmpHeader(content);
  if (header === undefined) throw new ImageError('decode_failed', 'the file is damaged: its BMP header is cut short');
  const { width, height, bits, compression } = header;
  if (typeof compression === 'object')
    throw new ImageError('unsupported_format', `BMP with ${compression.unsupported} can't be decoded`);
  if (width * height > maxPixels) throw tooManyPixels(maxPixels, width * height);
  if (!fits(bits, compression))
    throw new ImageError('unsupported_format', `BMP with ${bits} bits a pixel (${compression}) can't be decoded`);
  const rgb =
    compression === 'rle4' || compression === 'rle8' ? decodeRuns(content, header) : decodeRows(content, header);
  return { width, height, rgb };
}

function fits(bits: number, compression: string): boolean {
  if (compression === 'rle4') return bits === 4;
  if (compression === 'rle8') return bits === 8;
  if (compression === 'masks') return bits === 16 || bits === 32;
  return [1, 2, 4, 8, 16, 24, 32].includes(bits);
}

function decodeRows(content: Buffer, header: BmpHeader): Buffer {
  const { width, height, bits, isTopDown, pixelsAt } = header;
  // Rows begin at multiples of 4 bytes. The last one may lack its padding.
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  if (pixelsAt + (height - 1) * rowBytes + Math.ceil((width * bits) / 8) > content.length) throw cutShort();
  const rgb = Buffer.alloc(width * height * 3);
  const writePixel = pixelWriter(content, header);
  for (let row = 0; row < height; row++) {
    const from = pixelsAt + (isTopDown ? row : height - 1 - row) * rowBytes;
    for (let x = 0, to = row * width * 3; x < width; x++, to += 3) writePixel(from, x, rgb, to);
  }
  return rgb;
}

type PixelWriter = (row: number, x: number, rgb: Buffer, to: number) => void;

function pixelWriter(content: Buffer, header: BmpHeader): PixelWriter {
  const { bits, compression } = header;
  if (bits <= 8) {
    const palette = paletteOf(content, header);
    const mask = 2 ** bits - 1;
    return (row, x, rgb, to) => {
      const shift = 8 - bits - ((x * bits) & 7);
      const index = ((content[row + ((x * bits) >> 3)] as number) >> shift) & mask;
      copyColour(palette, index, rgb, to);
    };
  }
  if (bits === 24 || (bits === 32 && compression === 'none'))
    return (row, x, rgb, to) => {
      const from = row + x * (bits >> 3);
      rgb[to] = content[from + 2] as number;
      rgb[to + 1] = content[from + 1] as number;
      rgb[to + 2] = content[from] as number;
    };
  const channels = masksOf(content, header).map(channelReader);
  return (row, x, rgb, to) => {
    const value = bits === 16 ? content.readUInt16LE(row + x * 2) : content.readUInt32LE(row + x * 4);
    for (const [channel, read] of channels.entries()) rgb[to + channel] = read(value);
  };
}

/** Red, green and blue of all 256 indices. Those beyond the palette are black. */
function paletteOf(content: Buffer, { palette: { at, entryBytes, entries } }: BmpHeader): Buffer {
  const palette = Buffer.alloc(256 * 3);
  for (let n = 0; n < entries; n++) {
    const from = at + n * entryBytes;
    if (from + 3 > content.length) throw cutShort();
    palette.set([content[from + 2] as number, content[from + 1] as number, content[from] as number], n * 3);
  }
  return palette;
}

function copyColour(palette: Buffer, index: number, rgb: Buffer, to: number): void {
  rgb[to] = palette[index * 3] as number;
  rgb[to + 1] = palette[index * 3 + 1] as number;
  rgb[to + 2] = palette[index * 3 + 2] as number;
}

/** Without masks, 16 bits are 5 for each colour. */
const MASKS_555 = [0x7c00, 0x03e0, 0x001f];

function masksOf(content: Buffer, { compression, masksAt }: BmpHeader): number[] {
  if (compression !== 'masks') return MASKS_555;
  if (masksAt + 12 > content.length) throw cutShort();
  return [0, 4, 8].map((at) => content.readUInt32LE(masksAt + at));
}

/** Reads the bits of a mask from a pixel, scaled to 8 bits. */
function channelReader(mask: number): (pixel: number) => number {
  if (mask === 0) return () => 0;
  const shift = 31 - Math.clz32(mask & -mask);
  const most = mask >>> shift;
  return (pixel) => Math.round((((pixel & mask) >>> shift) * 255) / most);
}

const END_OF_LINE = 0;
const END_OF_PICTURE = 1;
const MOVE = 2;

/** Decodes run lengths of palette indices. Pixels that are skipped have index 0. */
function decodeRuns(content: Buffer, header: BmpHeader): Buffer {
  const { width, height, bits, isTopDown, pixelsAt } = header;
  // Also refuses small files that announce a picture of gigabytes.
  const most = Math.max(SMALL_PIXELS, (content.length - pixelsAt) * RUN_PIXELS_PER_BYTE);
  if (width * height > most) throw cutShort();
  const indices = new Uint8Array(width * height);
  let [x, y] = [0, 0];
  const put = (index: number) => {
    if (x < width && y < height) indices[(isTopDown ? y : height - 1 - y) * width + x] = index;
    x += 1;
  };
  const indexIn = (byte: number, n: number) => (bits === 8 ? byte : n % 2 === 0 ? byte >> 4 : byte & 15);

  for (let at = pixelsAt; ; ) {
    if (at + 2 > content.length) throw cutShort();
    const [count, value] = [content[at] as number, content[at + 1] as number];
    at += 2;
    if (count > 0) {
      for (let n = 0; n < count; n++) put(indexIn(value, n));
    } else if (value === END_OF_LINE) {
      [x, y] = [0, y + 1];
    } else if (value === END_OF_PICTURE) {
      break;
    } else if (value === MOVE) {
      if (at + 2 > content.length) throw cutShort();
      x += content[at] as number;
      y += content[at + 1] as number;
      at += 2;
    } else {
      const bytes = Math.ceil((value * bits) / 8);
      if (at + bytes > content.length) throw cutShort();
      for (let n = 0; n < value; n++) put(indexIn(content[at + ((n * bits) >> 3)] as number, n));
      at += bytes + (bytes % 2);
    }
    // Some writers leave the end out after the last row.
    if (y >= height || (y === height - 1 && x >= width)) break;
  }
  const palette = paletteOf(content, header);
  const rgb = Buffer.alloc(width * height * 3);
  for (let n = 0; n < indices.length; n++) copyColour(palette, indices[n] as number, rgb, n * 3);
  return rgb;
}

const cutShort = () => new ImageError('decode_failed', 'the file is damaged: it is cut short');
