/** How a TIFF is decoded, by the layout of its samples. */
import { UNDECODED_FORMATS } from './formats.ts';
import { ImageError } from './image-error.ts';
import { type ReadAt, readSubDirectories, readTiffDirectories, TAG, type TiffDirectory } from './tiff-directory.ts';

/** The layout of the page that is shown. */
export interface TiffLayout {
  /** Its number in the file, from 0. */
  page: number;
  width: number;
  height: number;
  /** Samples per pixel, as stored. */
  samples: number;
  /** Bits of each sample. */
  bits: readonly number[];
  sampleFormat: number;
  photometric: number;
  compression: number;
  /** The meaning of each sample after the colours. */
  extraSamples: readonly number[];
  inkSet: number;
  orientation: number;
  hasProfile: boolean;
}

const PHOTOMETRIC = { whiteIsZero: 0, blackIsZero: 1, rgb: 2, palette: 3, separated: 5, yCbCr: 6 } as const;
const FORMAT = { unsigned: 1, signed: 2, float: 3, undefined: 4 } as const;
const EXTRA = { associatedAlpha: 1, unassociatedAlpha: 2 } as const;
const INK_SET_CMYK = 1;
/** Bits of NewSubfileType: a smaller copy of another page, and a transparency mask. */
const REDUCED_OR_MASK = 1 | 4;
/** The value of the older SubfileType for a smaller copy. */
const REDUCED = 2;

/**
 * Reads the layout of the first page that is not a smaller copy of another or a mask. Writers that put a thumbnail
 * first mark it so; what the user sees elsewhere is the page itself. Undefined if the file ends within its directory.
 *
 * @throws ImageError unsupported_format for a camera's RAW
 */
export async function readTiffLayout(read: ReadAt): Promise<TiffLayout | undefined> {
  const pages = await readTiffDirectories(read);
  for (const page of pages ?? []) {
    const parts = await readSubDirectories(read, page);
    // Its pages are previews. The picture itself is not among them.
    if ([page, ...parts].some(isRaw)) throw new ImageError('unsupported_format', UNDECODED_FORMATS.raw);
  }
  const shown = pages?.findIndex((page) => !isSecondary(page)) ?? -1;
  const page = Math.max(shown, 0);
  const directory = pages?.[page];
  return directory && layoutOf(directory, page);
}

const SENSOR_PHOTOMETRICS = new Set([32803, 34892]);
/** Compressions of Sony, Nikon, Pentax and others for a sensor's data. */
const SENSOR_COMPRESSIONS = new Set([32767, 32769, 34713, 65535]);

/** Whether a directory is that of a camera's RAW: DNG, NEF, ARW, PEF and others are TIFFs. */
function isRaw(directory: TiffDirectory): boolean {
  const [photometric = -1] = directory.get(TAG.photometric) ?? [];
  const [compression = -1] = directory.get(TAG.compression) ?? [];
  return directory.has(TAG.dngVersion) || SENSOR_PHOTOMETRICS.has(photometric) || SENSOR_COMPRESSIONS.has(compression);
}

function isSecondary(page: TiffDirectory): boolean {
  const [kind = 0] = page.get(TAG.newSubfileType) ?? [];
  return (kind & REDUCED_OR_MASK) !== 0 || page.get(TAG.subfileType)?.[0] === REDUCED;
}

function layoutOf(directory: TiffDirectory, page: number): TiffLayout | undefined {
  const first = (tag: number) => directory.get(tag)?.[0];
  const [width, height] = [first(TAG.width) ?? 0, first(TAG.height) ?? 0];
  const samples = first(TAG.samplesPerPixel) ?? 1;
  if (width < 1 || height < 1 || width >= 2 ** 31 || height >= 2 ** 31 || samples < 1) return undefined;
  const photometric = first(TAG.photometric) ?? (samples < 3 ? PHOTOMETRIC.blackIsZero : PHOTOMETRIC.rgb);
  const orientation = first(TAG.orientation) ?? 1;
  const layout = {
    page,
    width,
    height,
    samples,
    bits: directory.get(TAG.bitsPerSample) ?? [1],
    sampleFormat: first(TAG.sampleFormat) ?? FORMAT.unsigned,
    photometric,
    compression: first(TAG.compression) ?? 1,
    inkSet: first(TAG.inkSet) ?? INK_SET_CMYK,
    orientation: orientation >= 1 && orientation <= 8 ? orientation : 1,
    hasProfile: directory.has(TAG.profile),
  };
  return { ...layout, extraSamples: extraSamplesOf(layout, directory.get(TAG.extraSamples)) };
}

/**
 * The samples after the colours. A single one without a word about it counts as alpha, as in Pillow: old writers of
 * RGBA leave the tag out. A tag that says "unspecified" (0) is a word: it is data, not alpha.
 */
function extraSamplesOf(
  { samples, photometric }: Pick<TiffLayout, 'samples' | 'photometric'>,
  named?: readonly number[],
) {
  const extras = Math.max(0, samples - coloursOf(photometric));
  if (named === undefined && extras === 1) return [EXTRA.unassociatedAlpha];
  return Array.from({ length: extras }, (_, n) => named?.[n] ?? 0);
}

function coloursOf(photometric: number): number {
  switch (photometric) {
    case PHOTOMETRIC.whiteIsZero:
    case PHOTOMETRIC.blackIsZero:
    case PHOTOMETRIC.palette:
      return 1;
    case PHOTOMETRIC.separated:
      return 4;
    default:
      return 3;
  }
}

/** Channels as they are shown: a palette stands for colours. */
export function countTiffChannels({ photometric, samples }: TiffLayout): number {
  return photometric === PHOTOMETRIC.palette ? samples + 2 : samples;
}

/** The steps that turn a page into pixels that libvips handles. */
export interface TiffDecoding {
  /** The samples to keep, by their number after the conversion to RGB. Undefined keeps all. */
  keep: readonly number[] | undefined;
  /** Samples that libvips would scale wrongly. */
  range: 'uint32' | 'float' | undefined;
  isGrey: boolean;
}

/** Compressions that sharp's build of libtiff decodes: none, CCITT, LZW, JPEG, Deflate, PackBits, WebP and old ones. */
const DECODED_COMPRESSIONS = new Set([1, 2, 3, 4, 5, 7, 8, 32766, 32771, 32773, 32809, 32946, 50001]);
const COMPRESSION_NAMES: Readonly<Record<number, string>> = {
  6: 'old-style JPEG',
  9: 'JBIG (T.85)',
  10: 'JBIG (T.43)',
  33003: 'JPEG 2000',
  33004: 'JPEG 2000',
  33005: 'JPEG 2000',
  34661: 'JBIG',
  34676: 'SGI LogLuv',
  34677: 'SGI LogLuv',
  34712: 'JPEG 2000',
  34887: 'LERC',
  34892: 'lossy JPEG of DNG',
  34925: 'LZMA',
  34934: 'JPEG XR',
  50000: 'Zstandard',
  50002: 'JPEG XL',
  52546: 'JPEG XL',
};
const PHOTOMETRIC_NAMES: Readonly<Record<number, string>> = {
  8: 'CIELab colours',
  9: 'ICCLab colours',
  10: 'ITULab colours',
  32844: 'LogL brightness',
  32845: 'LogLuv colours',
};
const DRAWN_PHOTOMETRICS = new Set<number>(Object.values(PHOTOMETRIC));

/**
 * Decides how a page is decoded.
 *
 * @throws ImageError unsupported_format, naming the compression, the colours, the bands or the depth
 */
export function planTiff(layout: TiffLayout): TiffDecoding {
  const { bits, samples, photometric, compression, extraSamples } = layout;
  if (!DECODED_COMPRESSIONS.has(compression))
    throw unsupported(`TIFF with ${COMPRESSION_NAMES[compression] ?? `compression ${compression}`}`);
  if (!DRAWN_PHOTOMETRICS.has(photometric))
    throw unsupported(`TIFF with ${PHOTOMETRIC_NAMES[photometric] ?? `photometric interpretation ${photometric}`}`);
  const isGrey = photometric === PHOTOMETRIC.whiteIsZero || photometric === PHOTOMETRIC.blackIsZero;
  if (isGrey && samples > 2) throw unsupported(`TIFF with ${samples} bands that are not RGB`);
  if (samples < coloursOf(photometric)) throw unsupported(`TIFF with ${samples} bands, too few for its colours`);
  if (photometric === PHOTOMETRIC.separated && layout.inkSet !== INK_SET_CMYK)
    throw unsupported('TIFF with inks that are not CMYK');
  const { range } = rangeOf(layout);
  const alpha = extraSamples.findIndex(isAlpha);
  const isWide = range !== undefined || (photometric === PHOTOMETRIC.separated && bits[0] === 16);
  if (isWide && alpha >= 0) throw unsupported(`TIFF with alpha and ${bits[0]} bits a sample`);
  return { isGrey, range, keep: keptSamples(extraSamples, alpha) };
}

/** Samples that have no agreed black or white are refused: any choice would give a vector of another picture. */
function rangeOf({ bits, sampleFormat, photometric }: TiffLayout): { range?: TiffDecoding['range'] } {
  const depth = bits[0] as number;
  const words = `${depth}-bit ${sampleFormat === FORMAT.float ? 'float' : 'integer'} samples`;
  if (bits.some((other) => other !== depth)) throw unsupported(`TIFF with samples of ${bits.join(', ')} bits`);
  const isPlain = photometric <= PHOTOMETRIC.rgb;
  switch (sampleFormat) {
    case FORMAT.unsigned:
    case FORMAT.undefined:
      if (depth === 32 && isPlain) return { range: 'uint32' };
      if ([1, 2, 4, 8, 16].includes(depth)) return {};
      break;
    case FORMAT.float:
      if ((depth === 16 || depth === 32) && isPlain) return { range: 'float' };
      break;
    case FORMAT.signed:
      throw unsupported(`TIFF with signed ${words}, whose black is not defined,`);
    default:
      throw unsupported('TIFF with complex numbers');
  }
  throw unsupported(`TIFF with ${words}`);
}

const isAlpha = (extra: number) => extra === EXTRA.associatedAlpha || extra === EXTRA.unassociatedAlpha;

/**
 * libvips takes any sample after the colours for alpha. Everything is RGB by then, so the extra samples follow at 3.
 */
function keptSamples(extraSamples: readonly number[], alpha: number): TiffDecoding['keep'] {
  if (extraSamples.length === 0 || (extraSamples.length === 1 && alpha === 0)) return undefined;
  return alpha < 0 ? [0, 1, 2] : [0, 1, 2, 3 + alpha];
}

const unsupported = (words: string) => new ImageError('unsupported_format', `${words} can't be decoded`);
