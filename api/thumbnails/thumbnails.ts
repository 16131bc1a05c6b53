import { availableParallelism } from 'node:os';
import sharp from 'sharp';
import { ImageError } from '../../core/images/image-error.ts';
import { makeThumbnail } from '../../core/images/thumbnail.ts';
import { problemOf } from '../problem/to-problem.ts';
import { openDiskCache } from './disk-cache.ts';
import { createTurns } from './turns.ts';

/** Why an image has no thumbnail: an ImageFailureCode and words. */
export class ThumbnailError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'ThumbnailError';
    this.code = code;
  }
}

export interface ThumbnailRequest {
  path: Buffer;
  /** Changes with the file. */
  version: string;
  /** The longer side in pixels. */
  size: number;
}

/** Makes thumbnails on demand, and keeps them. */
export interface Thumbnails {
  /** @throws ThumbnailError; ProblemError Overloaded */
  get(request: ThumbnailRequest): Promise<Uint8Array<ArrayBuffer>>;
  /** How many were made, and how many were there. */
  readonly counts: { made: number; kept: number };
}

const MOST_WAITING = 2000;
const MOST_FAILURES = 10_000;
/** A file that can't be drawn is not tried again for each that asks. */
const FAILURE_KEPT_MS = 60_000;

/** What is asked for by many at once is made once; as many at a time as there are cores, one left free. */
export function openThumbnails({ folder, bytes }: { folder: string; bytes: number }): Thumbnails {
  // It goes by a file's name, and would show what the file was before it changed.
  sharp.cache(false);
  const cache = openDiskCache({ parent: folder, mostBytes: bytes });
  const turns = createTurns({ atOnce: Math.max(1, availableParallelism() - 1), mostWaiting: MOST_WAITING });
  const underWay = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  const failures = new Map<string, { error: ThumbnailError; untilMs: number }>();
  const counts = { made: 0, kept: 0 };

  async function make(key: string, { path, size }: ThumbnailRequest): Promise<Uint8Array<ArrayBuffer>> {
    const kept = await cache.read(key);
    if (kept !== undefined) {
      counts.kept += 1;
      return kept;
    }
    const known = failures.get(key);
    if (known !== undefined && known.untilMs > performance.now()) throw known.error;
    const turn = await turns.take();
    if (turn === undefined)
      throw problemOf('Overloaded', `${MOST_WAITING} thumbnails are waited for already. Try again in a moment.`);
    try {
      const picture = new Uint8Array(await makeThumbnail({ path: plain(path) }, size));
      counts.made += 1;
      return picture;
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      const failure = new ThumbnailError(error.code, error.message);
      if (failures.size >= MOST_FAILURES) failures.clear();
      failures.set(key, { error: failure, untilMs: performance.now() + FAILURE_KEPT_MS });
      throw failure;
    } finally {
      turn();
    }
  }

  return {
    counts,
    get(request) {
      const key = `${request.version}-${request.size}`;
      const running = underWay.get(key);
      if (running !== undefined) return running;
      const making = make(key, request);
      underWay.set(key, making);
      // The answer does not wait for the disk; who asks meanwhile gets it from here.
      void making
        .then((picture) => cache.keep(key, picture))
        .catch(() => undefined)
        .finally(() => underWay.delete(key));
      return making;
    },
  };
}

/** As text where that names the same file: libvips then reads only as much of it as it needs. */
function plain(path: Buffer): string | Buffer {
  const text = path.toString('utf8');
  return Buffer.from(text).equals(path) ? text : path;
}
