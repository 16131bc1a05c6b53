/**
 * Stands in for a device that hangs: prepares images as core/media/images does, but an image of a single value blocks the
 * thread for as long as the value says.
 */
import { existsSync, writeFileSync } from 'node:fs';
import type { DecodingOptions } from '../../core/media/images/file-decoder.ts';
import { openDecoder as openImageDecoder } from '../../core/media/images/file-decoder.ts';
import { openPreparation as openImages } from '../../core/media/images/preparation.ts';
import { ItemError } from '../../core/media/item-error.ts';
import type { FilePreparation, OpenDecoder, OpenPreparation } from '../../core/media/preparation.ts';

/** Blocks for good. */
export const HANGS = 1;
/** Blocks for good the first time; a file remembers it. */
export const HANGS_ONCE = 2;
/** Is reported late by two means, the first time; a file remembers it. */
export const LATE_ONCE = 3;
/** Blocks for this many tenths of a second, if it is 10 or more. */
export const LONGEST_TENTHS = 100;

export interface HangingOptions {
  limits: unknown;
  /** Path of the file that remembers. */
  memory: string;
}

export const openPreparation: OpenPreparation<FilePreparation> = async (request) => {
  const { limits, memory } = request.options as HangingOptions;
  const images = await openImages({ ...request, options: limits });
  const options = { ...(images.decoding.options as DecodingOptions), memory };
  return {
    ...images,
    decoding: { ...images.decoding, module: import.meta.url, options },
    feeds(prepared, rows) {
      for (const [value = 0, next] of prepared) if (value === next) hang(value, memory);
      return images.feeds(prepared, rows);
    },
  };
};

export const openDecoder: OpenDecoder = async (request) => {
  const images = await openImageDecoder(request);
  const { memory } = request.options as { memory: string };
  return {
    async decode(item, onLate, room) {
      const pixels = await images.decode(item, onLate, room);
      if (pixels[0] === LATE_ONCE && pixels[1] === LATE_ONCE && isFirstTime(memory)) {
        onLate();
        throw new ItemError('decode_timeout', 'decoding took too long');
      }
      return pixels;
    },
  };
};

function hang(value: number, memory: string): void {
  if (value === HANGS) block(Number.POSITIVE_INFINITY);
  if (value === HANGS_ONCE && isFirstTime(memory)) block(Number.POSITIVE_INFINITY);
  if (value >= 10 && value <= LONGEST_TENTHS) block(value * 100);
}

function isFirstTime(memory: string): boolean {
  if (existsSync(memory)) return false;
  writeFileSync(memory, '');
  return true;
}

function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
