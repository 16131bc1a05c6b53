/**
 * A thread that decodes HEIC with libheif as WebAssembly: sharp's build of libheif has no decoder for HEVC, which needs
 * licences. A thread can be ended in the midst of a picture, and its memory is its own. Started by heif.ts.
 */
import { createRequire } from 'node:module';
import { parentPort } from 'node:worker_threads';
import type { HeifReply } from './heif.ts';

/** The part of libheif's binding that is used. Functions return an error in place of their result. */
interface Libheif {
  heif_context_alloc(): object;
  heif_context_free(context: object): void;
  heif_context_read_from_memory(context: object, bytes: Uint8Array): HeifError;
  heif_js_context_get_primary_image_handle(context: object): object | HeifError;
  heif_image_handle_release(handle: object): void;
  heif_js_decode_image2(handle: object, space: unknown, chroma: unknown): Promise<DecodedHeif | HeifError>;
  heif_image_release(image: object): void;
  heif_error_code: { heif_error_Ok: unknown };
  heif_colorspace: { heif_colorspace_RGB: unknown };
  heif_chroma: { heif_chroma_interleaved_RGBA: unknown };
}

interface HeifError {
  code: unknown;
  message: string;
}

interface DecodedHeif {
  code?: undefined;
  image: object;
  /** One channel for interleaved pixels. Rows take `stride` bytes. */
  channels: { width: number; height: number; stride: number; data: Uint8Array }[];
}

const RGBA = 4;
const libheif = createRequire(import.meta.url)('libheif-js/wasm-bundle.js') as Libheif;

parentPort?.on('message', async (bytes: Uint8Array) => {
  const reply = await decode(bytes).catch((error: Error): HeifReply => ({ error: error.message }));
  parentPort?.postMessage(reply, 'pixels' in reply ? [reply.pixels.buffer as ArrayBuffer] : []);
});

async function decode(bytes: Uint8Array): Promise<HeifReply> {
  const context = libheif.heif_context_alloc();
  try {
    const read = libheif.heif_context_read_from_memory(context, bytes);
    if (read.code !== libheif.heif_error_code.heif_error_Ok) return { error: read.message };
    const handle = libheif.heif_js_context_get_primary_image_handle(context);
    if (isError(handle)) return { error: handle.message };
    try {
      return await pixelsOf(handle);
    } finally {
      libheif.heif_image_handle_release(handle);
    }
  } finally {
    libheif.heif_context_free(context);
  }
}

async function pixelsOf(handle: object): Promise<HeifReply> {
  const { heif_colorspace, heif_chroma } = libheif;
  const decoded = await libheif.heif_js_decode_image2(
    handle,
    heif_colorspace.heif_colorspace_RGB,
    heif_chroma.heif_chroma_interleaved_RGBA,
  );
  if (isError(decoded)) return { error: decoded.message };
  try {
    const [channel] = decoded.channels;
    if (channel === undefined) return { error: 'there are no pixels' };
    const { width, height, stride, data } = channel;
    const pixels = new Uint8Array(width * height * RGBA);
    for (let row = 0; row < height; row++)
      pixels.set(data.subarray(row * stride, row * stride + width * RGBA), row * width * RGBA);
    return { width, height, pixels };
  } finally {
    libheif.heif_image_release(decoded.image);
  }
}

/** Whether the result is an error. `code` is undefined in results. */
const isError = (result: object): result is HeifError => (result as Partial<HeifError>).code !== undefined;
