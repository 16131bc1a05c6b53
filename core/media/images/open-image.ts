import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import process from 'node:process';
import sharp, { type Sharp, type SharpOptions } from 'sharp';
import { decodeBmp } from './bmp.ts';
import type { DecodeLimits } from './decode-limits.ts';
import { type ImageFormat, sniffFormat } from './formats.ts';
import { ImageError, tooManyPixels } from './image-error.ts';
import { asPlainSvg } from './svg.ts';

// It goes by a file's name, or by the number of a descriptor, and would show what was there before.
sharp.cache(false);

/** As much as a file's format and size are known by. */
export const HEAD_BYTES = 64 * 1024;

/** Of a drawing each element takes a kilobyte of memory, and 4 bytes of a file: larger ones are rare. */
export const MOST_DRAWING_BYTES = 4 * 1024 * 1024;
const MOST_BITMAP_BYTES = 128 * 1024 * 1024;

/** A pipe that took a file's name must not hold up a thread until somebody writes to it. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** A regular file that is open, and what its first bytes say. */
export interface ImageFile {
  file: FileHandle;
  path: string | Buffer;
  size: number;
  head: Buffer;
  format: ImageFormat;
}

/**
 * Opens a file and knows its format by its content: its name decides nothing.
 *
 * @throws ImageError
 */
export async function withImageFile<T>(
  path: string | Buffer,
  limits: DecodeLimits,
  use: (image: ImageFile) => Promise<T>,
): Promise<T> {
  let file: FileHandle | undefined;
  let image: ImageFile | undefined;
  try {
    file = await open(path, OPEN_FLAGS);
    image = await examineImage(file, path);
    return await use(image);
  } catch (error) {
    throw await failureOf(error as Error, image, limits);
  } finally {
    await file?.close();
  }
}

async function examineImage(file: FileHandle, path: string | Buffer): Promise<ImageFile> {
  const known = await file.stat();
  if (!known.isFile()) throw new ImageError('not_a_file', 'this is not a regular file');
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(HEAD_BYTES), 0, HEAD_BYTES, 0);
  if (bytesRead === 0) throw new ImageError('decode_failed', 'the file is empty');
  const head = buffer.subarray(0, bytesRead);
  const format = sniffFormat(head);
  if (format === undefined || format === 'heic')
    throw new ImageError('unsupported_format', 'the content is in no image format that can be read');
  return { file, path, size: known.size, head, format };
}

/**
 * The image for sharp to draw. Drawings go to it as bytes, never as a file: librsvg would follow what they link to, and wait at a
 * pipe that they include. The other loaders of our formats follow nothing; they read as much of the file as they need.
 */
export async function openImage(image: ImageFile, limits: DecodeLimits): Promise<Sharp> {
  const options = inputOptions(limits);
  switch (image.format) {
    case 'svg': {
      const content = await asPlainSvg(await readWhole(image, MOST_DRAWING_BYTES), MOST_DRAWING_BYTES);
      return sharp(content, options);
    }
    case 'bmp': {
      const { width, height, rgb } = decodeBmp(await readWhole(image, MOST_BITMAP_BYTES), limits.maxPixels);
      return sharp(rgb, { raw: { width, height, channels: 3 } });
    }
    default:
      return sharp(nameOf(image), options);
  }
}

/**
 * The open file by a name that libvips takes as it is, whatever the file is called and whatever takes its name meanwhile. Windows
 * has no such names.
 */
export function nameOf({ file, path }: Pick<ImageFile, 'file' | 'path'>): string {
  return process.platform === 'win32' ? path.toString() : `/dev/fd/${file.fd}`;
}

async function readWhole({ file, size, format }: ImageFile, mostBytes: number): Promise<Buffer> {
  if (size > mostBytes)
    throw new ImageError('unsupported_format', `the file is too large for what it holds (${format})`);
  return file.readFile();
}

function inputOptions({ maxPixels }: DecodeLimits): SharpOptions {
  // 'error' refuses truncated files, and lets through the harmless oddities that cameras write.
  return { failOn: 'error', autoOrient: true, limitInputPixels: maxPixels };
}

/** What sharp or the system says, in our words. */
async function failureOf(error: Error, image: ImageFile | undefined, { maxPixels }: DecodeLimits): Promise<ImageError> {
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
  if (/unsupported image format/.test(text))
    return new ImageError('unsupported_format', 'the content is in no image format that can be read');
  if (/timeout/i.test(text)) return new ImageError('decode_timeout', 'decoding took too long');
  return new ImageError('decode_failed', damagedInWords(text));
}

/** How many pixels, which libvips does not tell where they are too many. */
async function pixelsOf(image: ImageFile): Promise<number | undefined> {
  if (image.format === 'svg') return undefined;
  try {
    const { width, height } = await sharp(nameOf(image), { limitInputPixels: false }).metadata();
    return width * height;
  } catch {
    return undefined;
  }
}

/** libvips has not always a word for it: its threads share one buffer of errors. */
function damagedInWords(text: string): string {
  const line = text.split('\n', 1)[0]?.trim() ?? '';
  if (line === '' || line === 'Unknown error') return 'the file is damaged';
  return `the file is damaged: ${line.length > 200 ? `${line.slice(0, 199)}…` : line}`;
}
