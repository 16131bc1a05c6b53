import { isBmp } from './bmp-header.ts';
import { startOfText } from './svg.ts';

/**
 * The supported image formats and their names. A file's bytes decide its format; its name only decides whether to read
 * it.
 */

/** Names of the supported formats, as stored in the metadata. */
export const IMAGE_FORMATS = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif', 'heic', 'svg', 'bmp'] as const;
export type ImageFormat = (typeof IMAGE_FORMATS)[number];

/** MIME types by format. */
export const MIME_TYPES: Readonly<Record<ImageFormat, string>> = {
  jpeg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  gif: 'image/gif',
  tiff: 'image/tiff',
  avif: 'image/avif',
  heic: 'image/heic',
  svg: 'image/svg+xml',
  bmp: 'image/bmp',
};

const IMAGE_NAME =
  /\.(?:jpe?g|jpe|jfif|png|webp|gif|tiff?|avif|avifs|svg|bmp|dib|hei[cf]s?|hif|jxl|dng|cr[23w]|nef|nrw|arw|sr2|srw|orf|rw2|raf|pef|x3f)$/i;

/** Whether a file name has an image extension, in any case. */
export function isImageName(name: string): boolean {
  return IMAGE_NAME.test(name);
}

/** The root element of an SVG. A declaration, a doctype or comments may precede it. */
const SVG_ELEMENT = /<(?:\w+:)?svg/;

/** Formats that are recognised and not decoded, with what a user can do about a file. */
export const UNDECODED_FORMATS = {
  jxl: "JPEG XL can't be decoded: convert it to JPEG, PNG or AVIF",
  raw: "camera RAW can't be decoded: export it as JPEG or TIFF",
} as const;
export type UndecodedFormat = keyof typeof UNDECODED_FORMATS;

/** The format that a file's first bytes announce. Undefined if unknown. */
export function sniffFormat(bytes: Buffer): ImageFormat | UndecodedFormat | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return 'jpeg';
  if (bytes[0] === 0xff && bytes[1] === 0x0a) return 'jxl';
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
      return isCr2(bytes) ? 'raw' : 'tiff';
    // Olympus, Panasonic, Fujifilm and Sigma.
    case 'IIRO':
    case 'IIRS':
    case 'MMOR':
    case 'IIU\0':
    case 'FUJI':
    case 'FOVb':
      return 'raw';
  }
  // A first box never has 16 MB, so its first byte is 0. Without this check, an SVG that begins `<!--ftyp` would match.
  if (bytes[0] === 0) {
    const box = bytes.toString('latin1', 4, 8);
    if (box === 'JXL ') return 'jxl';
    if (box === 'ftyp') return sniffBrands(bytes);
  }
  if (isBmp(bytes)) return 'bmp';
  return SVG_ELEMENT.test(startOfText(bytes) ?? '') ? 'svg' : undefined;
}

/** Canon's RAW is a TIFF with this mark. */
const isCr2 = (tiff: Buffer) => tiff.toString('latin1', 8, 10) === 'CR';

const AVIF_BRANDS = /^(?:avif|avis)$/;
/** HEVC's brands of ISO 23008-12, and those of its container, which do not name the compression. */
const HEIF_BRANDS = /^(?:hei[cxms]|hev[cxms]|mif[12]|msf1|heif|1pic)$/;

/**
 * The format by the brands of the first box. Other files of the family are films. AVIF's brands may follow a more
 * general one.
 */
function sniffBrands(bytes: Buffer): ImageFormat | UndecodedFormat | undefined {
  const brands: string[] = [];
  const end = Math.min(bytes.readUInt32BE(0), bytes.length);
  for (let at = 8; at + 4 <= end; at += at === 8 ? 8 : 4) brands.push(bytes.toString('latin1', at, at + 4));
  // The file ends before its brand.
  if (bytes.length < 12 || brands.some((brand) => AVIF_BRANDS.test(brand))) return 'avif';
  if (brands.includes('crx ')) return 'raw';
  return brands.some((brand) => HEIF_BRANDS.test(brand)) ? 'heic' : undefined;
}
