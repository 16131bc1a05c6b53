import { availableParallelism } from 'node:os';
import sharp from 'sharp';
import { ImageError } from '../../core/images/image-error.ts';
import { makeThumbnail } from '../../core/images/thumbnail.ts';
import { openFile } from '../files/sample-file.ts';
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

/** Longer than sharp is given for a picture: this ends what hangs in the file system. */
const TURN_MS = 75_000;

export interface ThumbnailOptions {
  /** Where they are kept, and how many bytes of them. */
  folder: string;
  bytes: number;
  /** How long one may hold up the others. */
  turnMs?: number;
}

/** What is asked for by many at once is made once; as many at a time as there are cores, one left free. */
export function openThumbnails({ folder, bytes, turnMs = TURN_MS }: ThumbnailOptions): Thumbnails {
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
      const picture = await within(turnMs, draw(path, size));
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

/** A file that is no regular one is refused before it is read: a pipe would hold up the turn for good. */
async function draw(path: Buffer, size: number): Promise<Uint8Array<ArrayBuffer>> {
  const { file } = await openFile(path);
  try {
    return new Uint8Array(await makeThumbnail(file, size));
  } finally {
    await file.close();
  }
}

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new ImageError('decode_timeout', 'drawing took too long')), timeoutMs);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
