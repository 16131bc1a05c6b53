import { extname } from 'node:path';
import { BUILT_IN_FOLDERS } from '../../../contract/built-in-model.ts';
import { FileUnavailableError, type OpenFile, type Source, type Sources } from '../../sources/source.ts';
import type { FileToExpand, Medium } from '../medium.ts';
import { isTextGraph, TEXT_SIDE } from '../text/text-side.ts';
import { type DecodeLimits, decodeLimitsFromEnvironment } from './decode-limits.ts';
import { isImageName, MIME_TYPES, sniffFormat } from './formats.ts';
import { readHeaders } from './header.ts';
import { HEAD_BYTES, type HeaderOutcome, type HeaderRequest } from './header-messages.ts';
import { openThumbnailer } from './thumbnailer.ts';

/**
 * The medium of images: a file is one sample, and its header holds its metadata. PLIMSOLL_MAX_PIXELS limits decoding.
 */
export function imagesMedium(
  env: NodeJS.ProcessEnv = process.env,
  limits: DecodeLimits = decodeLimitsFromEnvironment(env),
): Medium {
  return {
    name: 'image',
    words: { one: 'image', many: 'images' },
    hasAnnotations: true,
    accepts: isImageName,
    async expand(files, sources, onRead) {
      const requests = await Promise.all(files.map((file) => requestFor(file, sources)));
      const outcomes = await readHeaders(
        requests.filter((request): request is HeaderRequest => !('error' in request)),
        onRead,
      );
      let next = 0;
      return requests.map((request) => {
        const { metadata, error } = 'error' in request ? request : (outcomes[next++] as HeaderOutcome);
        return metadata === undefined ? { error } : { items: [{ metadata: { ...metadata } }] };
      });
    },
    encodes: 'file',
    models: {
      builtIn: BUILT_IN_FOLDERS.image,
      // Paths of ONNX files in the layouts of transformers.js and Optimum. The vision part of a two-part model comes
      // first.
      graphs: ['vision_model.onnx', 'onnx/vision_model.onnx', 'model.onnx', 'onnx/model.onnx'],
      mayBeGraph: (file) => !isTextGraph(file),
      files: [{ name: 'preprocessor_config.json', purpose: 'it says how to prepare images' }],
      outputs: ['image_embeds', 'pooler_output', 'embeddings'],
      whichGraph: 'Name it model.onnx, or vision_model.onnx.',
    },
    preparation: {
      module: new URL(`./preparation${extname(import.meta.url)}`, import.meta.url).href,
      options: limits,
    },
    text: TEXT_SIDE,
    mimeTypes: {
      known: new Set(Object.values(MIME_TYPES)),
      // SVG may contain scripts.
      inline: new Set(Object.values(MIME_TYPES).filter((type) => type !== MIME_TYPES.svg)),
    },
    mayHold: (head, { format }) => sniffFormat(head) === format,
    sizeInWords: ({ width, height }) => `${width}x${height}`,
    settings: [{ name: 'Pixel limit', variable: 'PLIMSOLL_MAX_PIXELS', value: String(limits.maxPixels) }],
    thumbnails: {
      mimeType: 'image/webp',
      hopeless: {
        empty_file: 'decode_failed',
        not_an_image: 'unsupported_format',
        unsupported_format: 'unsupported_format',
        truncated_header: 'decode_failed',
      },
      open: openThumbnailer,
    },
  };
}

/** A header that lies behind this much of a file is not found. */
const MAX_WHOLE_BYTES = 256 * 1024 * 1024;

type Unavailable = Extract<HeaderOutcome, { metadata?: never }>;

/** Threads read files that they can open themselves. They receive the first bytes of other files. */
function requestFor(file: FileToExpand, sources: Sources): HeaderRequest | Promise<HeaderRequest | Unavailable> {
  const source = sources.of(file.path);
  const path = source.localPath?.(file);
  return path === undefined ? readHead(source, file) : { path, sizeBytes: file.size };
}

async function readHead(source: Source, file: FileToExpand): Promise<HeaderRequest | Unavailable> {
  try {
    const open = await source.open(file);
    try {
      const head = await readUpTo(open, HEAD_BYTES);
      const whole = async () => {
        const again = await source.open(file);
        return readUpTo(again, Math.min(again.size, MAX_WHOLE_BYTES)).finally(() => again.close());
      };
      return { head, whole, sizeBytes: open.size };
    } finally {
      await open.close();
    }
  } catch (error) {
    if (!(error instanceof FileUnavailableError)) throw error;
    const known = error.code === 'file_not_found' || error.code === 'permission_denied';
    return { error: { code: known ? error.code : 'io_error', message: error.message } };
  }
}

async function readUpTo(file: OpenFile, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(Math.min(bytes, file.size));
  let length = 0;
  for (let read = -1; read !== 0 && length < buffer.length; length += read)
    read = await file.read(buffer.subarray(length), length);
  return buffer.subarray(0, length);
}
