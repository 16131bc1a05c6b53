import { startOfText } from './svg.ts';

/**
 * The supported image formats and their names. A file's bytes decide its format; its name only decides whether to read
 * it.
 */

/** Names of the supported formats, as stored in the metadata. */
export const IMAGE_FORMATS = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif', 'svg', 'bmp'] as const;
export type ImageFormat = (typeof IMAGE_FORMATS)[number];

/** MIME types by format. */
export const MIME_TYPES: Readonly<Record<ImageFormat, string>> = {
  jpeg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  gif: 'image/gif',
  tiff: 'image/tiff',
  avif: 'image/avif',
  svg: 'image/svg+xml',
  bmp: 'image/bmp',
};

const IMAGE_NAME = /\.(?:jpe?g|jpe|jfif|png|webp|gif|tiff?|avif|svg|bmp)$/i;

/** Whether a file name has an image extension, in any case. */
export function isImageName(name: string): boolean {
  return IMAGE_NAME.test(name);
}

/** The root element of an SVG. A declaration, a doctype or comments may precede it. */
const SVG_ELEMENT = /<(?:\w+:)?svg/;

/**
 * The format that a file's first bytes announce. `heic` stands for the undecodable members of its family. Undefined if
 * unknown.
 */
export function sniffFormat(bytes: Buffer): ImageFormat | 'heic' | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return 'jpeg';
  switch (bytes.toString('latin1', 0, 4)) {
    case '\x89PNG':
      return 'png';
    case 'RIFF':
      return bytes.length < 12 || bytes.toString('latin1', 8, 12) === 'WEBP' ? 'webp' : undefined;
    case 'GIF8':
      return 'gif';
    case 'II*\0':
    case 'MM\0*':
    case 'II+\0':
    case 'MM\0+':
      return 'tiff';
  }
  // A first box never has 16 MB, so its first byte is 0. Without this check, an SVG that begins `<!--ftyp` would match.
  if (bytes[0] === 0 && bytes.toString('latin1', 4, 8) === 'ftyp') return sniffBrands(bytes);
  if (isBmpHeader(bytes)) return 'bmp';
  return SVG_ELEMENT.test(startOfText(bytes) ?? '') ? 'svg' : undefined;
}

/** A HEIF file lists its brands in its first box. AVIF brands may follow a more general one. */
function sniffBrands(bytes: Buffer): 'avif' | 'heic' {
  const end = bytes.readUInt32BE(0);
  if (end > bytes.length) return 'avif';
  return /avi[fs]/.test(bytes.toString('latin1', 8, end)) ? 'avif' : 'heic';
}

/** Two letters are too weak a signature, so the information header and the plane count must match too. */
function isBmpHeader(bytes: Buffer): boolean {
  if (bytes.length < 30 || bytes.toString('latin1', 0, 2) !== 'BM') return false;
  return [40, 52, 56, 64, 108, 124].includes(bytes.readUInt32LE(14)) && bytes.readUInt16LE(26) === 1;
}
