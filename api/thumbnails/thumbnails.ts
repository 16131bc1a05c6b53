import { availableParallelism } from 'node:os';
import { ItemError } from '../../core/media/item-error.ts';
import { problemOf } from '../problem/to-problem.ts';
import { openDiskCache } from './disk-cache.ts';
import { createDrawer, type Drawn, type DrawRequest } from './drawer.ts';
import { rememberFailures, ThumbnailError } from './failures.ts';
import { shareWork } from './shared-work.ts';
import { createTurns } from './turns.ts';

export interface ThumbnailRequest extends DrawRequest {
  /** Sixteen characters that identify the sample and the file's fingerprint. */
  version: string;
}

/** Draws thumbnails on demand and caches them. */
export interface Thumbnails {
  /** `signal` aborts when the caller has left. @throws ThumbnailError; ProblemError Overloaded, FileGone */
  get(request: ThumbnailRequest, signal: AbortSignal): Promise<Drawn>;
  /** How many thumbnails were drawn, and how many came from the cache. */
  readonly counts: { made: number; kept: number };
  /** How many requests wait for their turn. */
  readonly waiting: number;
  /** Process IDs of the decoders that are alive. */
  decoderPids(): number[];
  /** Ends the decoders. */
  close(): void;
}

const MOST_WAITING = 2000;
/** Deadline of one try of a thumbnail, because others wait for its turn. */
const TURN_MS = 30_000;

export interface ThumbnailOptions {
  /** Parent of the cache's folder. */
  folder: string;
  /** Limit of the cache in bytes. */
  bytes: number;
  /** Deadline of one try of a thumbnail in milliseconds. */
  turnMs?: number;
}

/** Opens the thumbnails. Shares concurrent requests, cancels abandoned ones, and leaves one core free. */
export function openThumbnails({ folder, bytes, turnMs = TURN_MS }: ThumbnailOptions): Thumbnails {
  const cache = openDiskCache({ parent: folder, mostBytes: bytes });
  const atOnce = Math.max(1, availableParallelism() - 1);
  const turns = createTurns({ atOnce, mostWaiting: MOST_WAITING });
  const drawer = createDrawer({ atOnce, turnMs });
  const shared = shareWork<Drawn>(async (key, { picture, current }) => {
    if (current) await cache.keep(key, picture);
  });
  const failures = rememberFailures();
  const counts = { made: 0, kept: 0 };

  async function make(key: string, request: ThumbnailRequest, wanted: AbortSignal): Promise<Drawn> {
    const kept = await cache.read(key);
    if (kept !== undefined) {
      counts.kept += 1;
      return { picture: kept, current: true };
    }
    const known = failures.of(request.version);
    if (known !== undefined) throw known;
    const turn = await turns.take(wanted);
    if (turn === undefined)
      throw problemOf('Overloaded', `More than ${MOST_WAITING} thumbnails are waited for. Try again in a moment.`);
    try {
      const made = await drawer.draw(request);
      counts.made += 1;
      return made;
    } catch (error) {
      if (!(error instanceof ItemError)) throw error;
      const failure = new ThumbnailError(error.code, error.message);
      failures.note(request.version, failure);
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
    decoderPids: () => drawer.pids(),
    close: () => drawer.close(),
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
