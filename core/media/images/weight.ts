import { imageSize } from 'image-size';
import { findJpegFrame, isHeldWhole } from './channels.ts';
import { sniffFormat } from './formats.ts';

/** Bytes per pixel in a decoder that holds the whole picture. */
const PIXEL_BYTES = 4;
/** libheif's planes and its RGBA, and copies of that for libvips. */
const HEIC_PIXEL_BYTES = 16;
/** An element of a drawing, `<g/>` at least, takes more than a kilobyte in librsvg. */
const DRAWING_FACTOR = 350;
/** Deflate's highest ratio. */
const COMPRESSION_FACTOR = 1000;

/**
 * Estimates the memory for decoding an image, in bytes, from its first bytes. Formats that are read row by row need
 * almost none. Interlaced, progressive and block formats are held whole. Infinity if unknown.
 */
export function weightOf(head: Buffer, sizeBytes: number): number {
  const format = sniffFormat(head);
  switch (format) {
    case undefined:
    case 'jxl':
    case 'raw':
      return 0;
    case 'svg':
      return sizeBytes * DRAWING_FACTOR * (head[0] === 0x1f ? COMPRESSION_FACTOR : 1);
    case 'png':
      return isInterlaced(head) ? pixelsOf(head) * PIXEL_BYTES * (head[24] === 16 ? 2 : 1) : 0;
    case 'jpeg': {
      const frame = findJpegFrame(head);
      if (frame === undefined) return Number.POSITIVE_INFINITY;
      return isHeldWhole(frame) ? frame.width * frame.height * PIXEL_BYTES : 0;
    }
    case 'heic':
      return pixelsOf(head) * HEIC_PIXEL_BYTES;
    default:
      return pixelsOf(head) * PIXEL_BYTES * (format === 'bmp' ? 2 : 1);
  }
}

const INTERLACE_METHOD = 28;
const isInterlaced = (png: Buffer) => png[INTERLACE_METHOD] !== 0;

function pixelsOf(head: Buffer): number {
  try {
    const { width, height } = imageSize(head);
    return width * height;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
