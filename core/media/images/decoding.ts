import { afterTicks } from '../../concurrency/after-ticks.ts';
import { createPermits } from '../../concurrency/permits.ts';
import { decodePixels } from './decode.ts';
import type { DecodeLimits } from './decode-limits.ts';
import type { ImageFile } from './open-image.ts';
import type { PixelGeometry } from './resize.ts';

/** Decodes images concurrently, limited by threads and by memory. */
export interface Decoding {
  /**
   * Decodes an image to 8-bit RGB, row by row.
   *
   * @param onLate called when decoding continues long after libvips was told to stop. Only the end of the process frees
   *   the thread then.
   * @throws ImageError
   */
  decode(image: ImageFile, onLate: () => void): Promise<Uint8Array>;
}

/** A multiple of libvips's own timeout. Every interruptible operation has ended by then. */
const LATE_AFTER = 1.2;
/** The memory budget per thread. Most pictures then wait only for threads. */
const BYTES_PER_THREAD = 128 * 1024 * 1024;

/** Creates a decoder with `threads` slots. It resizes and crops each image by `geometry`. */
export function createDecoding(geometry: PixelGeometry, limits: DecodeLimits, threads: number): Decoding {
  const places = createPermits(threads);
  const memory = createPermits(threads * BYTES_PER_THREAD);
  const lateMs = limits.timeoutSeconds * 1000 * LATE_AFTER;

  return {
    decode(image, onLate) {
      const room = async (bytes: number) => {
        const leave = await places.take(1);
        const giveBack = await memory.take(bytes);
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
