import type { BucketOfPieces } from '../store/staged-annotations.ts';
import type { Piece } from './formats/format.ts';

/**
 * Pieces of one image share a bucket, so each bucket can be joined alone: a file of any size is grouped by image within
 * the memory of one bucket, and in two passes, as a hash join does it.
 */
export const BUCKETS = 256;

/** Pieces are written together once they have this many bytes. A document of MongoDB holds 16 MB. */
const FLUSH_BYTES = 12 << 20;

/** Collects pieces by bucket. */
export interface Buckets {
  /** Takes a piece as JSON. */
  add(key: string, piece: string): void;
  isFull(): boolean;
  /** Gives what was collected, and begins anew. */
  take(): BucketOfPieces[];
}

export function createBuckets(): Buckets {
  let lists = new Map<number, string[]>();
  let bytes = 0;
  return {
    add(key, piece) {
      const bucket = bucketOf(key);
      const list = lists.get(bucket);
      if (list === undefined) lists.set(bucket, [piece]);
      else list.push(piece);
      bytes += piece.length;
    },
    isFull: () => bytes >= FLUSH_BYTES,
    take() {
      const taken = [...lists].map(([bucket, pieces]) => ({ bucket, pieces: Buffer.from(`[${pieces.join(',')}]`) }));
      lists = new Map();
      bytes = 0;
      return taken;
    },
  };
}

/** The bucket of a key: FNV-1a. */
export function bucketOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) & (BUCKETS - 1);
}

/** The pieces of a bucket. */
export const piecesOf = (stored: readonly Buffer[]): Piece[] =>
  stored.flatMap((buffer) => JSON.parse(buffer.toString()) as Piece[]);
