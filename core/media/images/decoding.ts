import { afterTicks } from '../../concurrency/after-ticks.ts';
import { createPermits } from '../../concurrency/permits.ts';
import { BYTES_PER_THREAD, type Decoder } from '../preparation.ts';
import { decodePixels } from './decode.ts';
import type { DecodeLimits } from './decode-limits.ts';
import type { PixelGeometry } from './resize.ts';

/** A multiple of libvips's own timeout. Every interruptible operation has ended by then. */
const LATE_AFTER = 1.2;
/**
 * Decodes images concurrently, limited by `threads` and by memory, to 8-bit RGB, row by row. It resizes and crops each
 * image by `geometry`. `onLate` is called when decoding continues long after libvips was told to stop. Its errors are
 * ImageErrors.
 */
export function createDecoding(geometry: PixelGeometry, limits: DecodeLimits, threads: number): Decoder {
  const places = createPermits(threads);
  const budget = threads * BYTES_PER_THREAD;
  const own = createPermits(budget);
  const lateMs = limits.timeoutSeconds * 1000 * LATE_AFTER;

  return {
    decode(image, onLate, memory) {
      const room = async (bytes: number) => {
        const leave = await places.take(1);
        const giveBack = await own.take(bytes);
        if (bytes > budget) await memory(bytes);
        const endCount = afterTicks(lateMs, onLate);
        return () => {
          endCount();
          giveBack();
          leave();
        };
      };
      return decodePixels(image, geometry, limits, room);
    },
  };
}
