import { closeSync, constants, openSync, readSync } from 'node:fs';
import { imageSize } from 'image-size';
import { parseBmpHeader } from './bmp-header.ts';
import { countPngChannels, countWebpChannels, findJpegFrame, hasWebpExif } from './channels.ts';
import { type ImageFormat, MIME_TYPES, sniffFormat, UNDECODED_FORMATS } from './formats.ts';
import { describeReadError, truncatedHeader } from './header-errors.ts';
import { HEAD_BYTES, type HeaderOutcome, type ImageMetadata } from './header-messages.ts';
import { readSvgHeader, startOfText } from './svg.ts';

/**
 * An outcome, or the announced format if only a decoder can read the rest. `fallback` is the outcome if the decoder
 * fails too, because the file is truncated after its header.
 */
export type ParsedHeader = HeaderOutcome | Unsettled;

/** A header that only a decoder can read completely. */
export interface Unsettled {
  unsettled: ImageFormat;
  fallback?: ImageMetadata;
}

/** Most headers end within the first read, which costs a quarter less than a full one. */
const FIRST_READ_BYTES = 16 * 1024;
const READ_BYTES = HEAD_BYTES;
/**
 * `image-size` reads a few bytes past the end of its input. This gap keeps the previous file's bytes out of its reach.
 */
const BLANK_BYTES = 64;
const buffer = Buffer.alloc(READ_BYTES + BLANK_BYTES);

/** Non-blocking, because a pipe that took a file's name would block the reader. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** The end offset of a GIF's screen descriptor. */
const GIF_SCREEN_END = 13;

const NOT_AN_IMAGE: HeaderOutcome = {
  error: { code: 'not_an_image', message: 'not an image: its content is of no known format' },
};
const EMPTY: HeaderOutcome = { error: { code: 'empty_file', message: 'the file is empty' } };

/** A request as a thread receives it. */
export type ThreadRequest = { sizeBytes: number } & (
  | { path: string | Buffer; head?: never }
  | { head: Uint8Array; path?: never }
);

/** Reads up to 64 KiB of the file, synchronously, for threads that may block. */
export function readHeaderSync({ path, head, sizeBytes }: ThreadRequest): ParsedHeader {
  if (sizeBytes === 0) return EMPTY;
  if (head !== undefined) {
    buffer.set(head.subarray(0, READ_BYTES));
    return withoutDrawing(parseHeader(Math.min(head.length, READ_BYTES), sizeBytes));
  }
  try {
    const fd = openSync(path, OPEN_FLAGS);
    try {
      const length = readSync(fd, buffer, 0, FIRST_READ_BYTES, 0);
      const header = parseHeader(length, sizeBytes);
      if (length < FIRST_READ_BYTES || !('unsettled' in header) || isForDecoder(header)) return withoutDrawing(header);
      return withoutDrawing(parseHeader(length + readSync(fd, buffer, length, READ_BYTES - length, length), sizeBytes));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return { error: describeReadError(error as NodeJS.ErrnoException, path) };
  }
}

/** Whether more bytes would not settle it. */
const isForDecoder = ({ unsettled, fallback }: Unsettled) => fallback !== undefined && unsettled !== 'jpeg';

/** Keeps drawings from the decoder: it would build the whole document and follow its references. */
function withoutDrawing(header: ParsedHeader): ParsedHeader {
  return 'unsettled' in header && header.unsettled === 'svg' ? { error: truncatedHeader('svg') } : header;
}

/** Reads an image's metadata from the first `length` bytes of the buffer. */
function parseHeader(length: number, sizeBytes: number): ParsedHeader {
  if (length === 0) return EMPTY;
  buffer.fill(0, length, length + BLANK_BYTES);
  const bytes = buffer.subarray(0, length);
  const format = sniffFormat(bytes);
  switch (format) {
    case undefined:
      // A long comment may precede the root of a drawing.
      return length === FIRST_READ_BYTES && startOfText(bytes) !== undefined ? { unsettled: 'svg' } : NOT_AN_IMAGE;
    case 'svg':
      return parseDrawing(bytes, sizeBytes);
    case 'jxl':
    case 'raw':
      return { error: { code: 'unsupported_format', message: UNDECODED_FORMATS[format] } };
    case 'jpeg':
      return parseJpeg(bytes, sizeBytes) ?? { unsettled: format };
    case 'png':
      return parseUpright(format, countPngChannels(bytes), bytes, sizeBytes) ?? { unsettled: format };
    case 'bmp':
      return parseBmp(bytes, sizeBytes) ?? { error: truncatedHeader(format) };
    case 'webp': {
      const header = parseUpright(format, countWebpChannels(bytes), bytes, sizeBytes);
      return header && hasWebpExif(bytes)
        ? { unsettled: format, fallback: header.metadata }
        : (header ?? { unsettled: format });
    }
    case 'gif': {
      // Each frame declares its own transparency, so only a decoder can count the channels.
      const header = parseUpright(format, bytes.length < GIF_SCREEN_END ? undefined : 3, bytes, sizeBytes);
      return header ? { unsettled: format, fallback: header.metadata } : { unsettled: format };
    }
    default:
      return { unsettled: format };
  }
}

interface Parsed {
  metadata: ImageMetadata;
}

/** Decoders draw SVG in colour on a transparent background. */
const DRAWING_CHANNELS = 4;

function parseDrawing(bytes: Buffer, sizeBytes: number): ParsedHeader {
  const header = readSvgHeader(startOfText(bytes) ?? '');
  switch (header) {
    case 'cut':
      return { unsettled: 'svg' };
    case 'other':
      return NOT_AN_IMAGE;
    case 'none':
      return { error: { code: 'truncated_header', message: 'the SVG has no width or no height: it shows nothing' } };
  }
  return describe('svg', { ...header, orientation: undefined }, DRAWING_CHANNELS, sizeBytes);
}

function parseJpeg(bytes: Buffer, sizeBytes: number): ParsedHeader | undefined {
  const frame = findJpegFrame(bytes);
  const size = frame && parseSize(bytes);
  // `image-size` finds the frame less strictly. If the two sizes differ, the decoder decides.
  if (size?.width !== frame?.width || size?.height !== frame?.height) return undefined;
  if (frame === undefined || size === undefined) return undefined;
  if (frame.num_channels !== 1 && frame.num_channels !== 3 && frame.num_channels !== 4) return undefined;
  const header = describe('jpeg', size, frame.num_channels, sizeBytes);
  const isOriented = size.orientation === undefined && frame.exif.some(mentionsOrientation);
  if (isOriented || frame.exif.length > 1) return undefined;
  // EXIF may follow the frame header.
  return frame.isWhole ? header : { unsettled: 'jpeg', fallback: header.metadata };
}

function parseBmp(bytes: Buffer, sizeBytes: number): Parsed | undefined {
  const header = parseBmpHeader(bytes);
  if (header === undefined) return undefined;
  const { width, height, bits } = header;
  // A 32-bit bitmap has alpha. Palettes and other depths are RGB.
  return describe('bmp', { width, height, orientation: undefined }, bits === 32 ? 4 : 3, sizeBytes);
}

/** Whether EXIF mentions an orientation. `image-size` misses one that has an unusual EXIF type. */
const mentionsOrientation = (exif: Buffer) => exif.includes(exif[0] === 0x4d ? '\x01\x12\0' : '\x12\x01', 0, 'latin1');

/** The outcome for an image without rotation. The decoder must read a rotated one. */
function parseUpright(format: ImageFormat, channels: number | undefined, bytes: Buffer, sizeBytes: number) {
  const size = channels === undefined ? undefined : parseSize(bytes);
  if (channels === undefined || size === undefined) return undefined;
  return describe(format, { width: size.width, height: size.height, orientation: undefined }, channels, sizeBytes);
}

interface Size {
  width: number;
  height: number;
  orientation: number | undefined;
}

function parseSize(bytes: Buffer): Size | undefined {
  try {
    const { width, height, orientation } = imageSize(bytes);
    const isPlausible = width > 0 && height > 0 && width < 2 ** 31 && height < 2 ** 31;
    return isPlausible ? { width, height, orientation } : undefined;
  } catch {
    return undefined;
  }
}

function describe(format: ImageFormat, size: Size, num_channels: number, size_bytes: number): Parsed {
  const orientation = size.orientation && size.orientation >= 1 && size.orientation <= 8 ? size.orientation : 1;
  const [width, height] = orientation < 5 ? [size.width, size.height] : [size.height, size.width];
  return { metadata: { size_bytes, mime_type: MIME_TYPES[format], format, width, height, num_channels, orientation } };
}
