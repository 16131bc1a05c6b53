import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import process from 'node:process';
import sharp, { type Sharp, type SharpOptions } from 'sharp';
import { identityOf } from '../../sources/identity.ts';
import { decodeBmp } from './bmp.ts';
import { findJpegFrame, isCgbi, isLossless } from './channels.ts';
import type { DecodeLimits } from './decode-limits.ts';
import { type ImageFormat, sniffFormat, UNDECODED_FORMATS, type UndecodedFormat } from './formats.ts';
import { HEAD_BYTES } from './header-messages.ts';
import { decodeHeif } from './heif.ts';
import { ImageError, tooManyPixels } from './image-error.ts';
import { withProfile } from './profiled-pixels.ts';
import { asPlainSvg } from './svg.ts';
import { planTiff, readTiffLayout } from './tiff.ts';
import type { ReadAt } from './tiff-directory.ts';
import { openTiff } from './tiff-pixels.ts';

// sharp's cache identifies a file by its name or its descriptor number, so it could return an earlier file.
sharp.cache(false);

/** An SVG element takes a kilobyte of memory and as little as 4 bytes of a file. Larger drawings are rare. */
export const MAX_DRAWING_BYTES = 4 * 1024 * 1024;
const MAX_BITMAP_BYTES = 128 * 1024 * 1024;

/** Non-blocking, because a pipe that took a file's name would block a thread. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** An image: its path, as raw bytes if the name is not valid UTF-8, or its content. */
export type ImageFile = { path: string | Uint8Array } | { bytes: Uint8Array };

/** An open image and its announced format. */
export interface OpenImage {
  size: number;
  /** The first HEAD_BYTES bytes at most. */
  head: Buffer;
  format: ImageFormat;
  /** Device and inode of its file, in the form of `identityOf`. Undefined for bytes. */
  identity(): Promise<string | undefined>;
  /**
   * The input for libvips: the bytes, or a path that refers to the open file itself, even if another file takes its
   * name. Windows has no such paths.
   */
  loadable(): Buffer | string;
  /** All bytes. */
  content(): Promise<Buffer>;
  /** Up to `length` bytes from `position`; fewer if the file ends. */
  read: ReadAt;
}

/**
 * Opens an image. Its content decides its format; its name does not matter.
 *
 * @throws ImageError
 */
export async function withImage<T>(
  input: ImageFile,
  limits: DecodeLimits,
  use: (image: OpenImage) => Promise<T>,
): Promise<T> {
  let file: FileHandle | undefined;
  let image: OpenImage | undefined;
  try {
    if ('bytes' in input) image = imageOf(input.bytes);
    else {
      const path = typeof input.path === 'string' ? input.path : Buffer.from(input.path);
      file = await open(path, OPEN_FLAGS);
      image = await imageIn(file, path);
    }
    return await use(image);
  } catch (error) {
    throw await failureOf(error as Error, image, limits);
  } finally {
    await file?.close();
  }
}

function imageOf(content: Uint8Array): OpenImage {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const head = bytes.subarray(0, HEAD_BYTES);
  return {
    size: bytes.length,
    head,
    format: formatOf(head),
    identity: async () => undefined,
    loadable: () => bytes,
    content: async () => bytes,
    read: async (position, length) => bytes.subarray(position, position + length),
  };
}

async function imageIn(file: FileHandle, path: string | Buffer): Promise<OpenImage> {
  const known = await file.stat();
  if (!known.isFile()) throw new ImageError('not_a_file', 'this is not a regular file');
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(HEAD_BYTES), 0, HEAD_BYTES, 0);
  const head = buffer.subarray(0, bytesRead);
  return {
    size: known.size,
    head,
    format: formatOf(head),
    identity: async () => identityOf(await file.stat({ bigint: true })),
    loadable: () => (process.platform === 'win32' ? path.toString() : `/dev/fd/${file.fd}`),
    content: () => readAt(file, 0, known.size),
    read: (position, length) => readAt(file, position, Math.min(length, known.size - position)),
  };
}

/** Reads at a position, so that no read depends on an earlier one. The result is shorter if the file ends. */
async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(Math.max(0, length));
  let read = 0;
  while (read < bytes.length) {
    const { bytesRead } = await file.read(bytes, read, bytes.length - read, position + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return bytes.subarray(0, read);
}

function formatOf(head: Buffer): ImageFormat {
  if (head.length === 0) throw new ImageError('decode_failed', 'the file is empty');
  const format = sniffFormat(head);
  if (format === undefined)
    throw new ImageError('unsupported_format', 'the content is in no image format that can be read');
  if (format in UNDECODED_FORMATS)
    throw new ImageError('unsupported_format', UNDECODED_FORMATS[format as UndecodedFormat]);
  return format as ImageFormat;
}

/**
 * The image as sharp's input. Drawings are passed as bytes, never as a file: librsvg would follow their links and wait
 * at a linked pipe. The loaders of our other formats follow nothing.
 */
export async function loadImage(image: OpenImage, limits: DecodeLimits): Promise<Sharp> {
  const options = inputOptions(limits);
  switch (image.format) {
    case 'svg': {
      const content = await asPlainSvg(await readWhole(image, MAX_DRAWING_BYTES), MAX_DRAWING_BYTES);
      // A drawing has no pixels of its own: it is drawn at the size that is asked for.
      return sharp(content, { ...options, limitInputPixels: false });
    }
    case 'bmp': {
      const { width, height, rgb } = decodeBmp(await readWhole(image, MAX_BITMAP_BYTES), limits.maxPixels);
      return sharp(rgb, { raw: { width, height, channels: 3 } });
    }
    case 'tiff': {
      const layout = await readTiffLayout(image.read);
      if (layout === undefined) throw new ImageError('decode_failed', 'the file is damaged: it has no whole directory');
      return openTiff(image.loadable(), layout, planTiff(layout), options);
    }
    case 'jpeg':
      return openJpeg(image, options);
    case 'png':
      if (isCgbi(image.head))
        throw new ImageError('unsupported_format', "PNG in Apple's own form (CgBI) can't be decoded: export it as PNG");
      return sharp(image.loadable(), options);
    case 'avif':
      return sharp(await loadableHeif(image), options);
    case 'heic':
      return openHeic(image, limits);
    default:
      return sharp(image.loadable(), options);
  }
}

/** Application segments of a JPEG may take this much before the frame header. */
const MAX_SEGMENTS_BYTES = 16 * 1024 * 1024;

async function openJpeg(image: OpenImage, options: SharpOptions): Promise<Sharp> {
  const frame = findJpegFrame(image.head) ?? findJpegFrame(await image.read(0, MAX_SEGMENTS_BYTES));
  const file = sharp(image.loadable(), options);
  if (frame === undefined) return file;
  const { depth, num_channels } = frame;
  if (depth !== 8) throw new ImageError('unsupported_format', `JPEG with ${depth} bits a sample can't be decoded`);
  if (num_channels !== 1 && num_channels !== 3 && num_channels !== 4)
    throw new ImageError('unsupported_format', `JPEG with ${num_channels} bands can't be decoded`);
  if (!isLossless(frame)) return file;
  const { data, info } = await file.raw().toBuffer({ resolveWithObject: true });
  return sharp(data, { raw: info });
}

async function openHeic(image: OpenImage, limits: DecodeLimits): Promise<Sharp> {
  const input = await loadableHeif(image);
  const { width, height, compression, icc } = await sharp(input, { limitInputPixels: false }).metadata();
  if (width * height > limits.maxPixels) throw tooManyPixels(limits.maxPixels, width * height);
  // The brands of a container need not name what is in it.
  if (compression === 'av1') return sharp(input, inputOptions(limits));
  const content = await readWhole(image, MAX_HEIF_BYTES);
  return withProfile(await decodeHeif(content, limits.timeoutSeconds), icc);
}

/** The major brands that libvips recognises. */
const LIBVIPS_BRANDS = /^(?:avif|mif1|msf1|hei[cxms]|hev[cxms])$/;
const MAX_HEIF_BYTES = 256 * 1024 * 1024;

/**
 * A HEIF file as libvips takes it. libvips goes by the major brand and knows not all: a sequence (`avis`) holds a still
 * picture, too, which is its first frame.
 */
export async function loadableHeif(image: OpenImage): Promise<Buffer | string> {
  if (LIBVIPS_BRANDS.test(image.head.toString('latin1', 8, 12))) return image.loadable();
  const content = Buffer.from(await readWhole(image, MAX_HEIF_BYTES));
  content.write(image.format === 'avif' ? 'avif' : 'mif1', 8, 'latin1');
  return content;
}

async function readWhole(image: OpenImage, maxBytes: number): Promise<Buffer> {
  if (image.size > maxBytes)
    throw new ImageError('unsupported_format', `the file is too large for what it holds (${image.format})`);
  return image.content();
}

function inputOptions({ maxPixels }: DecodeLimits): SharpOptions {
  // 'error' refuses truncated files, and accepts the harmless deviations of cameras.
  return { failOn: 'error', autoOrient: true, limitInputPixels: maxPixels };
}

/** Converts an error of sharp or of the system to an ImageError. */
async function failureOf(error: Error, image: OpenImage | undefined, { maxPixels }: DecodeLimits): Promise<ImageError> {
  if (error instanceof ImageError) return error;
  const text = error.message;
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new ImageError('file_not_found', 'the file is no longer there');
    case 'EACCES':
    case 'EPERM':
      return new ImageError('permission_denied', 'the file may not be read');
    case 'EISDIR':
    case 'ENXIO':
      return new ImageError('not_a_file', 'this is not a regular file');
    case 'ERR_BUFFER_TOO_LARGE':
      return new ImageError('unsupported_format', 'the drawing is too large once it is uncompressed');
  }
  if (/exceeds pixel limit/.test(text)) return tooManyPixels(maxPixels, image && (await pixelsOf(image)));
  if (/pixel limit when scaled/.test(text))
    return new ImageError('unsupported_format', 'the drawing is too long for its width to be drawn');
  if (/timeout/i.test(text)) return new ImageError('decode_timeout', 'decoding took too long');
  if (image !== undefined && isUnsupported(text))
    return new ImageError('unsupported_format', `this ${nameOf(image)} can't be decoded: ${firstLine(text)}`);
  return new ImageError('decode_failed', damageMessage(text));
}

const nameOf = ({ format }: OpenImage) => (format === 'webp' ? 'WebP' : format.toUpperCase());

/**
 * Whether libvips says that it lacks something, rather than that the file is damaged. Its "unsupported image format" is
 * about damage: the format was recognised before. So are markers of a JPEG, which any byte may look like.
 */
function isUnsupported(text: string): boolean {
  return /not (?:implemented|configured|supported)|unsupported (?!image format|marker)|channel limit|vector must have/i.test(
    text,
  );
}

/** The number of pixels. libvips does not report it for an image that is too large. */
async function pixelsOf(image: OpenImage): Promise<number | undefined> {
  if (image.format === 'svg') return undefined;
  try {
    const { width, height } = await sharp(image.loadable(), { limitInputPixels: false }).metadata();
    return width * height;
  } catch {
    return undefined;
  }
}

/** libvips sometimes has no message, because its threads share one error buffer. */
function damageMessage(text: string): string {
  const line = firstLine(text);
  return line === '' ? 'the file is damaged' : `the file is damaged: ${line}`;
}

/** Lines of libvips that say nothing about the file. */
const EMPTY_LINES = /^(?:Unknown error|.*unsupported image format|.*source: bad seek.*|.*has corrupt header:)?$/;

/** Names of libvips's own parts (`VipsJpeg: `, `pngload_buffer: `) tell a user nothing. */
const LIBRARY_PART = /^(?:\w*(?:vips|load)\w*|heif): /i;

function firstLine(text: string): string {
  const lines = text.split('\n').map((line) =>
    line
      .replace(/^Input \w+ has corrupt header: /, '')
      .replace(LIBRARY_PART, '')
      .trim(),
  );
  const line = lines.find((each) => !EMPTY_LINES.test(each)) ?? '';
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}
