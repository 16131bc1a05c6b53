import { type Budget, createBudget } from '../core/concurrency/budget.ts';
import { decodePixels, type PixelGeometry } from '../core/media/images/decode.ts';
import type { DecodeLimits } from '../core/media/images/decode-limits.ts';
import { ImageError } from '../core/media/images/image-error.ts';

export type Decoded = { pixels: Uint8Array } | { code: string; message: string };

/** Decodes images, as many at a time as there are threads, and as there is memory for. */
export interface Decoding {
  /** `onLate`: it still is at it, long after libvips was told to give up: the thread that it took comes back with the process. */
  decode(path: string | Uint8Array, onLate: () => void): Promise<Decoded>;
}

/** What libvips can interrupt it does by then; what it can't is late. */
const LATE_AFTER = 1.2;
/** For what is decoded at the same time: so that most pictures wait for threads alone. */
const BYTES_A_THREAD = 128 * 1024 * 1024;

export function createDecoding(geometry: PixelGeometry, limits: DecodeLimits, threads: number): Decoding {
  const slots = createBudget(threads);
  const memory = createBudget(threads * BYTES_A_THREAD);
  const lateMs = limits.timeoutSeconds * 1000 * LATE_AFTER;

  return {
    async decode(path, onLate) {
      // Of an image that is open: more of them are opened than decoded, so that no thread waits for a disk.
      const room: Budget = {
        async take(bytes) {
          const leave = await slots.take(1);
          const giveBack = await memory.take(bytes);
          const timer = setTimeout(onLate, lateMs);
          return () => {
            clearTimeout(timer);
            giveBack();
            leave();
          };
        },
      };
      try {
        const image = { path: typeof path === 'string' ? path : Buffer.from(path) };
        return { pixels: await decodePixels(image, geometry, limits, room) };
      } catch (error) {
        const { message } = error as Error;
        return { code: error instanceof ImageError ? error.code : 'decode_failed', message };
      }
    },
  };
}
