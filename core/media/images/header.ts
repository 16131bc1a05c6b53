/**
 * Reads image files' metadata by their first bytes, a hundred times faster than a decoder opens them: about 10 µs a file
 * where the cache is warm.
 *
 * The reads are synchronous, in threads of their own: a round trip through Node's file system pool, three for each file,
 * costs more than the read. So a disk that hangs never holds up the caller's event loop either.
 */
import { availableParallelism } from 'node:os';
import { createDecoders } from './decoder/decoders.ts';
import type { DecoderInput, MetadataResult } from './decoder/messages.ts';
import { type ImageFormat, MIME_TYPES } from './formats.ts';
import type { ParsedHeader, Unsettled } from './header-bytes.ts';
import { describeReadError, type HeaderError, truncatedHeader } from './header-errors.ts';
import { readInThread } from './header-threads.ts';
import { ImageError, type ImageFailure } from './image-error.ts';

/** An image as it is displayed: `width` and `height` have the EXIF orientation applied. */
export interface ImageMetadata {
  size_bytes: number;
  mime_type: string;
  /** What the bytes are, whatever the file's name says. */
  format: ImageFormat;
  width: number;
  height: number;
  num_channels: number;
  /** EXIF's 1-8, 1 where the file says nothing. */
  orientation: number;
}

export type { HeaderError, HeaderErrorCode } from './header-errors.ts';

export type HeaderOutcome = { metadata: ImageMetadata; error?: never } | { error: HeaderError; metadata?: never };

/** How many first bytes settle most headers. */
export const HEAD_BYTES = 64 * 1024;

/**
 * A file and its size: by its path, as bytes where the name is not UTF-8; or by its first HEAD_BYTES bytes, where a thread can't
 * open it, with what reads all of it.
 */
export type HeaderRequest = { sizeBytes: number } & (
  | { path: string | Buffer; head?: never }
  | { head: Uint8Array; whole: () => Promise<Uint8Array>; path?: never }
);

/** Small enough that a slow disk's chunks spread over all threads, large enough that messages cost little. */
const CHUNK_FILES = 64;
/** Each takes some 60 MB, and is there only while files need one. */
const MOST_DECODERS = Math.min(4, availableParallelism());
/** Files in one order: few enough that all decoders have some of a page. */
const DECODER_FILES = 16;
/** A decoder opens a file within milliseconds; what takes so long does not end, or its disk is away. */
const DECODER_MS = 10_000;

const decoders = createDecoders({ most: MOST_DECODERS });

/**
 * Reads the metadata of the files, outcomes in their order. A bad file is an outcome, never an exception. `onRead` is called
 * as the reading gets on, after some dozens of files at the latest.
 */
export async function readHeaders(files: readonly HeaderRequest[], onRead = () => {}): Promise<HeaderOutcome[]> {
  const chunks: Promise<ParsedHeader[]>[] = [];
  for (let at = 0; at < files.length; at += CHUNK_FILES) {
    const chunk = readInThread(files.slice(at, at + CHUNK_FILES));
    chunks.push(chunk);
    void chunk.then(onRead, () => {});
  }
  const parsed = (await Promise.all(chunks)).flat();

  const outcomes = new Array<HeaderOutcome>(files.length);
  const forDecoder: number[] = [];
  parsed.forEach((header, n) => {
    if ('unsettled' in header) forDecoder.push(n);
    else outcomes[n] = header;
  });
  const decodeUntilDone = async () => {
    for (let some = forDecoder.splice(0, DECODER_FILES); some.length > 0; some = forDecoder.splice(0, DECODER_FILES)) {
      const inputs = some.map((n) => inputOf(files[n] as HeaderRequest));
      const results = await askDecoder(await Promise.all(inputs));
      for (const [i, n] of some.entries()) {
        outcomes[n] = outcomeOf(results[i] as MetadataResult, files[n] as HeaderRequest, parsed[n] as Unsettled);
      }
      onRead();
    }
  };
  await Promise.all(Array.from({ length: MOST_DECODERS }, decodeUntilDone));
  return outcomes;
}

async function inputOf({ path, ...request }: HeaderRequest): Promise<DecoderInput> {
  if (path !== undefined) return { path };
  return { bytes: await (request as { whole: () => Promise<Uint8Array> }).whole() };
}

/**
 * What the first bytes do not settle: longer headers, EXIF outside JPEG, and the formats that only a decoder understands. Where one
 * of several is more than the decoder can take, each is tried alone.
 */
async function askDecoder(images: DecoderInput[]): Promise<MetadataResult[]> {
  try {
    return await decoders.ask({ type: 'metadata', images }, DECODER_MS);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    if (images.length === 1) return [{ failure: error }];
    const results: MetadataResult[] = [];
    for (const image of images) results.push(...(await askDecoder([image])));
    return results;
  }
}

function outcomeOf(
  result: MetadataResult,
  file: HeaderRequest,
  { unsettled: format, fallback }: Unsettled,
): HeaderOutcome {
  const { sizeBytes } = file;
  if ('metadata' in result)
    return { metadata: { size_bytes: sizeBytes, mime_type: MIME_TYPES[format], format, ...result.metadata } };
  return fallback ? { metadata: fallback } : { error: describeFailure(result.failure, file, format) };
}

function describeFailure({ code, message }: ImageFailure, { path }: HeaderRequest, format: ImageFormat): HeaderError {
  switch (code) {
    case 'file_not_found':
      return describeReadError({ code: 'ENOENT', message }, path ?? '');
    case 'permission_denied':
    case 'decode_timeout':
      return { code, message };
    case 'not_a_file':
      return { code: 'io_error', message };
    default:
      return truncatedHeader(format);
  }
}
