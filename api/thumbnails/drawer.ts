import { afterTicks } from '../../core/concurrency/after-ticks.ts';
import { ItemError } from '../../core/media/item-error.ts';
import type { Medium, Thumbnailer } from '../../core/media/medium.ts';
import type { OpenFile } from '../../core/sources/source.ts';

export interface DrawRequest {
  /** The medium of the sample, which knows how to draw it. */
  medium: Medium;
  /** Opens the sample's file. */
  open(): Promise<OpenFile>;
  /** The file's fingerprint at the time of the request. */
  fingerprint: string;
  /** The longer side in pixels. */
  size: number;
}

export interface Drawn {
  picture: Uint8Array<ArrayBuffer>;
  /** Whether the file had the fingerprint of the request during the whole drawing. */
  current: boolean;
}

/** Draws thumbnails in child processes. A decoder that hangs is killed and blocks no thread that sends files. */
export interface Drawer {
  /** @throws ItemError; what `open` throws */
  draw(request: DrawRequest): Promise<Drawn>;
  /** Process IDs of the decoders that are alive. */
  pids(): number[];
  close(): void;
}

/**
 * Creates a drawer.
 *
 * @param turnMs deadline of one try of a thumbnail. There are two, and as long a file may take to open
 */
export function createDrawer({ atOnce, turnMs }: { atOnce: number; turnMs: number }): Drawer {
  const thumbnailers = new Map<Medium, Thumbnailer>();

  function thumbnailerOf(medium: Medium): Thumbnailer {
    const known = thumbnailers.get(medium);
    if (known !== undefined) return known;
    if (medium.thumbnails === undefined) throw new ItemError('unsupported_format', 'its samples have no pictures');
    const opened = medium.thumbnails.open({ processes: atOnce, timeoutMs: turnMs });
    thumbnailers.set(medium, opened);
    return opened;
  }

  return {
    async draw({ medium, open, fingerprint, size }) {
      const file = await within(2 * turnMs, open());
      try {
        const picture = await thumbnailerOf(medium)
          .draw(file, size)
          .catch((error: unknown) => error as Error);
        const current = file.fingerprint === fingerprint && (await file.fingerprintNow()) === fingerprint;
        if (!(picture instanceof Error)) return { picture, current };
        // An error in a changed file says nothing about the file with the fingerprint.
        throw current ? picture : new ItemError('file_not_found', 'the file has changed; ask for it again');
      } finally {
        await file.close();
      }
    },
    pids: () => [...thumbnailers.values()].flatMap((thumbnailer) => thumbnailer.pids()),
    close() {
      for (const thumbnailer of thumbnailers.values()) thumbnailer.close();
    },
  };
}

/** Bounds the wait for a disk that hangs. A file that opens after the deadline is closed. */
async function within(timeoutMs: number, opening: Promise<OpenFile>): Promise<OpenFile> {
  const late = Promise.withResolvers<never>();
  const endCount = afterTicks(timeoutMs, () => {
    late.reject(new ItemError('decode_timeout', 'the file took too long to open'));
    opening.then((file) => file.close()).catch(() => undefined);
  });
  try {
    return await Promise.race([opening, late.promise]);
  } finally {
    endCount();
  }
}
