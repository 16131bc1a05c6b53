/**
 * Stands in for a decoder of images that misbehaves: an image of a single value does what the value says. Each decode is
 * noted in a file: the process, and how many decodes it has at once.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DecodingOptions, openDecoder as openImageDecoder } from '../../core/media/images/file-decoder.ts';
import { openPreparation as openImages } from '../../core/media/images/preparation.ts';
import type { FilePreparation, OpenDecoder, OpenPreparation } from '../../core/media/preparation.ts';

/** Ends the process. */
export const ABORTS = 1;
/** Blocks the main thread for good. */
export const BLOCKS = 2;
/** Does so the first time; a file remembers it. */
export const BLOCKS_ONCE = 3;
/** Needs more memory than its process's share, for a while. */
export const HEAVY = 4;
/** Gives an item of another length. */
export const SHORT = 5;
/** Needs more memory than its process's share, for long. */
export const HEAVY_FOR_LONG = 6;

const HEAVY_MS = { [HEAVY]: 100, [HEAVY_FOR_LONG]: 2000 } as Record<number, number>;
/** As much as all decoders have, so each has to wait until no other has any. */
const HEAVY_BYTES = Number.POSITIVE_INFINITY;

export interface MarkedOptions {
  limits: unknown;
  /** Path of the file of notes. */
  notes: string;
}

/** A note: `decoded`, or `heavy` and `light` around a decode that is alone. */
export interface Note {
  what: string;
  pid: number;
  atOnce: number;
}

export const readNotes = (notes: string): Note[] =>
  existsSync(notes)
    ? readFileSync(notes, 'utf8')
        .trim()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Note)
    : [];

export const openPreparation: OpenPreparation<FilePreparation> = async (request) => {
  const { limits, notes } = request.options as MarkedOptions;
  const images = await openImages({ ...request, options: limits });
  const options = { ...(images.decoding.options as DecodingOptions), notes };
  return { ...images, decoding: { ...images.decoding, module: import.meta.url, options } };
};

export const openDecoder: OpenDecoder = async (request) => {
  const images = await openImageDecoder(request);
  const { notes } = request.options as { notes: string };
  let atOnce = 0;
  const note = (what: string) => appendFileSync(notes, `${JSON.stringify({ what, pid: process.pid, atOnce })}\n`);
  return {
    async decode(item, onLate, memory) {
      atOnce += 1;
      try {
        const pixels = await images.decode(item, onLate, memory);
        const [value] = pixels;
        const isMark = value !== undefined && value <= HEAVY_FOR_LONG && pixels.every((each) => each === value);
        if (isMark && value === ABORTS) process.abort();
        if (isMark && (value === BLOCKS || (value === BLOCKS_ONCE && isFirstTime(`${notes}.once`)))) block();
        if (isMark && value === SHORT) return pixels.subarray(1);
        const heavyMs = isMark ? HEAVY_MS[value] : undefined;
        if (heavyMs !== undefined) {
          await memory(HEAVY_BYTES);
          note('heavy');
          await sleep(heavyMs);
          note('light');
        }
        note('decoded');
        return pixels;
      } finally {
        atOnce -= 1;
      }
    },
  };
};

function isFirstTime(memory: string): boolean {
  if (existsSync(memory)) return false;
  writeFileSync(memory, '');
  return true;
}

function block(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
