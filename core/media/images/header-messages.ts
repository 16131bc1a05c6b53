/** Requests for image headers, and their outcomes. */
import type { ImageFormat } from './formats.ts';
import type { HeaderError } from './header-errors.ts';

/** An image's metadata as displayed: `width` and `height` are in pixels, with EXIF orientation applied. */
export interface ImageMetadata {
  size_bytes: number;
  mime_type: string;
  /** The format of the bytes, whatever the file's name says. */
  format: ImageFormat;
  width: number;
  height: number;
  num_channels: number;
  /** EXIF orientation, 1-8; 1 if the file has none. */
  orientation: number;
}

/** The metadata of a file, or why it has none. */
export type HeaderOutcome = { metadata: ImageMetadata; error?: never } | { error: HeaderError; metadata?: never };

/** The number of first bytes that decide most headers. */
export const HEAD_BYTES = 64 * 1024;

/**
 * A file and its size. It is given by its path, as bytes if the name is not UTF-8. A file that a thread can't open is
 * given by its first HEAD_BYTES bytes and a function that reads all of it.
 */
export type HeaderRequest = { sizeBytes: number } & (
  | { path: string | Buffer; head?: never }
  | { head: Uint8Array; whole: () => Promise<Uint8Array>; path?: never }
);
