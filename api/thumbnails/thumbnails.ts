import { availableParallelism } from 'node:os';
import { ImageError } from '../../core/images/image-error.ts';
import { makeThumbnail } from '../../core/images/thumbnail.ts';
import { fingerprintOf, openFile } from '../files/sample-file.ts';
import { problemOf } from '../problem/to-problem.ts';
import { openDiskCache } from './disk-cache.ts';
import { shareWork } from './shared-work.ts';
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
  /** With all links resolved. */
  path: Buffer;
  /** Of the file as it was when it was asked for. */
  fingerprint: string;
  /** Sixteen letters that stand for the sample and the fingerprint. */
  version: string;
  /** The longer side in pixels. */
  size: number;
}

export interface Thumbnail {
  picture: Uint8Array<ArrayBuffer>;
  /** Whether the file was the one of the fingerprint from the first byte to the last. */
  current: boolean;
}

/** Makes thumbnails on demand, and keeps them. */
export interface Thumbnails {
  /** `signal`: the caller has left. @throws ThumbnailError; ProblemError Overloaded, FileGone */
  get(request: ThumbnailRequest, signal: AbortSignal): Promise<Thumbnail>;
  /** How many were made, and how many were there. */
  readonly counts: { made: number; kept: number };
  /** How many wait for their turn. */
  readonly waiting: number;
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

/** What is asked for by many at once is made once, and not at all when they have left; as many at a time as there are cores, one left free. */
export function openThumbnails({ folder, bytes, turnMs = TURN_MS }: ThumbnailOptions): Thumbnails {
  const cache = openDiskCache({ parent: folder, mostBytes: bytes });
  const turns = createTurns({ atOnce: Math.max(1, availableParallelism() - 1), mostWaiting: MOST_WAITING });
  const shared = shareWork<Thumbnail>(async (key, { picture, current }) => {
    if (current) await cache.keep(key, picture);
  });
  const failures = new Map<string, { error: ThumbnailError; untilMs: number }>();
  const counts = { made: 0, kept: 0 };

  async function make(key: string, request: ThumbnailRequest, wanted: AbortSignal): Promise<Thumbnail> {
    const kept = await cache.read(key);
    if (kept !== undefined) {
      counts.kept += 1;
      return { picture: kept, current: true };
    }
    const known = failures.get(key);
    if (known !== undefined && known.untilMs > performance.now()) throw known.error;
    const turn = await turns.take(wanted);
    if (turn === undefined)
      throw problemOf('Overloaded', `More than ${MOST_WAITING} thumbnails are waited for. Try again in a moment.`);
    try {
      const made = await within(turnMs, draw(request));
      counts.made += 1;
      return made;
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
    get waiting() {
      return turns.waiting;
    },
    async get(request, signal) {
      const key = `${request.version}-${request.size}`;
      try {
        return await shared.join(key, signal, (wanted) => make(key, request, wanted));
      } catch (error) {
        if (signal.aborted) throw problemOf('Overloaded', 'The caller has left before it was drawn.');
        throw error;
      }
    },
  };
}

/** A file that is no regular one is refused before it is read: a pipe would hold up the turn for good. */
async function draw({ path, size, fingerprint }: ThumbnailRequest): Promise<Thumbnail> {
  const { file, fingerprint: before } = await openFile(path);
  try {
    const picture = new Uint8Array(await makeThumbnail(file, path, size));
    const after = fingerprintOf(await file.stat({ bigint: true }));
    return { picture, current: before === fingerprint && after === fingerprint };
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
