import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import sharp, { type Sharp, type SharpOptions } from 'sharp';
import { decodeBmp } from './bmp.ts';
import { sniffFormat } from './formats.ts';
import { ImageError, tooManyPixels } from './image-error.ts';

/** Where an image is. `path` is a Buffer of raw bytes when the name is not valid UTF-8. */
export interface ImageRef {
  path: string | Buffer;
}

/** How pixels are brought to the size that a model takes. All sizes are in pixels. */
export interface PixelGeometry {
  /** `fill` squeezes into width x height; `cover` keeps the aspect ratio, covers width x height and crops what is over, centred. */
  resize: { fit: 'cover' | 'fill'; width: number; height: number; kernel: 'nearest' | 'linear' | 'cubic' | 'lanczos3' };
  /** Then the centre of this size is kept; no larger than `resize`. */
  crop: { width: number; height: number };
}

export interface DecodeLimits {
  /** Larger images are refused from their header, before memory is taken for them. */
  maxPixels: number;
  timeoutSeconds: number;
}

const HEAD_BYTES = 4096;

export const DEFAULT_DECODE_LIMITS: DecodeLimits = { maxPixels: 268_402_689, timeoutSeconds: 60 };

/**
 * The image as 8-bit sRGB, three bytes a pixel, row by row, as it is displayed: EXIF orientation applied, embedded profiles
 * converted, the first frame of animations, SVG drawn at the size asked for (never fetching what it links to).
 *
 * Transparency is laid on white: that is the page most transparent pictures were made for (logos, drawings, screenshots), and
 * dropping alpha would show whatever colour an editor left in pixels that nobody sees.
 *
 * @throws ImageError
 */
export async function decodePixels(
  image: ImageRef,
  geometry: PixelGeometry,
  limits: DecodeLimits = DEFAULT_DECODE_LIMITS,
): Promise<Uint8Array> {
  return withImage(image, limits, (opened) => render(opened, geometry, limits));
}

/**
 * Opens an image of any format that we know, as it is displayed, and gives it to `draw`; a second time, opened otherwise, where the
 * first one fails.
 *
 * @throws ImageError
 */
export async function withImage<T>(
  { path }: ImageRef,
  limits: DecodeLimits,
  draw: (image: Sharp) => Promise<T>,
): Promise<T> {
  try {
    // A pipe that took the file's name would hold up a thread of libvips for good.
    const known = await stat(path);
    if (!known.isFile()) throw new ImageError('not_a_file', 'this is not a regular file');
    if (!isPlainPath(path)) await refuseOversize(path, known.size);
    const input = isPlainPath(path) ? path : await readFile(path);
    return await draw(sharp(input, inputOptions(limits)));
  } catch (error) {
    return await drawOtherwise(path, limits, error as Error, draw);
  }
}

/** What only looks like an image must not fill the memory; drawings and bitmaps of such a size are rare. */
const MOST_READ_BYTES = 32 * 1024 * 1024;
const MOST_BITMAP_BYTES = 128 * 1024 * 1024;
const READ_IN_PARTS = new Set<string | undefined>(['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif']);

/**
 * As `withImage`, of a regular file that is open already: what was examined is what is drawn, whatever takes its name meanwhile.
 * Larger files are read in parts; libvips must keep no cache then (`sharp.cache(false)`), for it goes by a descriptor's number.
 *
 * @throws ImageError
 */
export async function withOpenImage<T>(
  file: FileHandle,
  limits: DecodeLimits,
  draw: (image: Sharp) => Promise<T>,
): Promise<T> {
  try {
    return await draw(await imageIn(file, limits));
  } catch (error) {
    throw failureOf(error as Error, limits);
  }
}

/** Before a file is read whole that is too large for a drawing; one with pixels is bounded by their number. */
async function refuseOversize(path: string | Buffer, size: number): Promise<void> {
  if (size <= MOST_READ_BYTES) return;
  const format = sniffFormat(await readHead(path));
  if (format !== 'bmp' && !READ_IN_PARTS.has(format)) throw oversize(format);
}

function oversize(format: string | undefined): ImageError {
  return new ImageError('unsupported_format', `the file is too large for what it holds (${format ?? 'nothing known'})`);
}

async function imageIn(file: FileHandle, limits: DecodeLimits): Promise<Sharp> {
  const { size } = await file.stat();
  if (size === 0) throw new ImageError('decode_failed', 'the file is empty');
  const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
  const format = sniffFormat(buffer.subarray(0, bytesRead));
  if (size > MOST_READ_BYTES && READ_IN_PARTS.has(format)) return sharp(`/dev/fd/${file.fd}`, inputOptions(limits));
  if (size > (format === 'bmp' ? MOST_BITMAP_BYTES : MOST_READ_BYTES))
    throw new ImageError(
      'unsupported_format',
      `the file is too large for what it holds (${format ?? 'nothing known'})`,
    );
  const content = await file.readFile();
  if (format !== 'bmp') return sharp(content, inputOptions(limits));
  const { width, height, rgb } = decodeBmp(content, limits.maxPixels);
  return sharp(rgb, { raw: { width, height, channels: 3 } });
}

/**
 * Whether libvips may open the file by its name: it knows names only as UTF-8, reads a trailing [...] as options, and draws what
 * an SVG links to in its folder.
 */
function isPlainPath(path: string | Buffer): path is string {
  return typeof path === 'string' && !/\]$|\.svgz?$/i.test(path);
}

function inputOptions({ maxPixels }: DecodeLimits): SharpOptions {
  // 'error' refuses truncated files, and lets through the harmless oddities that cameras write.
  return { failOn: 'error', autoOrient: true, limitInputPixels: maxPixels };
}

async function render(
  image: Sharp,
  { resize, crop }: PixelGeometry,
  { timeoutSeconds }: DecodeLimits,
): Promise<Uint8Array> {
  image
    .timeout({ seconds: timeoutSeconds })
    .flatten({ background: 'white' })
    .toColourspace('srgb')
    .resize(resize.width, resize.height, { fit: resize.fit, position: 'centre', kernel: resize.kernel });
  if (crop.width !== resize.width || crop.height !== resize.height) {
    image.extract({
      left: Math.floor((resize.width - crop.width) / 2),
      top: Math.floor((resize.height - crop.height) / 2),
      ...crop,
    });
  }
  return image.raw({ depth: 'uchar' }).toBuffer();
}

/** What sharp could not decode: a format that it does not know but we do, or else the reason in our words. */
async function drawOtherwise<T>(
  path: string | Buffer,
  limits: DecodeLimits,
  cause: Error,
  draw: (image: Sharp) => Promise<T>,
): Promise<T> {
  const failure = failureOf(cause, limits);
  if (failure.code === 'too_many_pixels') throw await withPixelCount(failure, path, limits);
  if (failure.code !== 'unsupported_format' && failure.code !== 'file_not_found') throw failure;
  const head = await readHead(path).catch((error: Error) => {
    throw failureOf(error, limits);
  });
  if (head.length === 0) throw new ImageError('decode_failed', 'the file is empty');
  const format = sniffFormat(head);
  if (failure.code === 'file_not_found' || (format !== 'bmp' && format !== 'svg')) throw failure;
  try {
    await refuseOversize(path, (await stat(path)).size);
    const content = await readFile(path);
    if (format === 'svg') return await draw(sharp(content, inputOptions(limits)));
    const { width, height, rgb } = decodeBmp(content, limits.maxPixels);
    return await draw(sharp(rgb, { raw: { width, height, channels: 3 } }));
  } catch (error) {
    throw failureOf(error as Error, limits);
  }
}

/** The same failure with the number of pixels, which libvips does not tell. */
async function withPixelCount(
  failure: ImageError,
  path: string | Buffer,
  { maxPixels }: DecodeLimits,
): Promise<ImageError> {
  try {
    const input = isPlainPath(path) ? path : await readFile(path);
    const { width, height } = await sharp(input, { limitInputPixels: false }).metadata();
    return tooManyPixels(maxPixels, width * height);
  } catch {
    return failure;
  }
}

/** The first bytes. Fails as the system does: sharp calls a file missing, or of no format, also when it may not be read. */
async function readHead(path: string | Buffer): Promise<Buffer> {
  if (!(await stat(path)).isFile()) throw new ImageError('not_a_file', 'this is not a regular file');
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function failureOf(error: Error, { maxPixels }: DecodeLimits): ImageError {
  if (error instanceof ImageError) return error;
  const { code } = error as NodeJS.ErrnoException;
  const text = error.message;
  if (code === 'ENOENT' || code === 'ENOTDIR' || /^Input file is missing/.test(text))
    return new ImageError('file_not_found', 'the file is no longer there');
  if (code === 'EACCES' || code === 'EPERM') return new ImageError('permission_denied', 'the file may not be read');
  if (code === 'EISDIR') return new ImageError('not_a_file', 'this is not a regular file');
  if (/exceeds pixel limit/.test(text)) return tooManyPixels(maxPixels);
  if (/unsupported image format/.test(text))
    return new ImageError('unsupported_format', 'the content is in no image format that can be read');
  if (/timeout/i.test(text)) return new ImageError('decode_timeout', 'decoding took too long');
  return new ImageError('decode_failed', damagedInWords(text));
}

/** libvips has not always a word for it: its threads share one buffer of errors. */
function damagedInWords(text: string): string {
  const line = text.split('\n', 1)[0]?.trim() ?? '';
  if (line === '' || line === 'Unknown error') return 'the file is damaged';
  return `the file is damaged: ${line.length > 200 ? `${line.slice(0, 199)}…` : line}`;
}
