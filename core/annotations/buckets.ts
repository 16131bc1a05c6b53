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

/** A bucket begins with this many bytes, and doubles. */
const FIRST_BYTES = 4 << 10;

export function createBuckets(): Buckets {
  let open = new Map<number, { bytes: Buffer; length: number }>();
  let total = 0;
  return {
    add(key, piece) {
      const number = bucketOf(key);
      let bucket = open.get(number);
      if (bucket === undefined) {
        bucket = { bytes: Buffer.allocUnsafe(FIRST_BYTES), length: 0 };
        open.set(number, bucket);
      }
      // Bytes lie outside of the heap. A hundred thousand short texts would be moved by each collection of garbage.
      const most = bucket.length + 3 * piece.length + 2;
      if (most > bucket.bytes.length) bucket.bytes = grown(bucket.bytes, most);
      bucket.length += bucket.bytes.write(bucket.length === 0 ? '[' : ',', bucket.length, 'latin1');
      const written = bucket.bytes.write(piece, bucket.length);
      bucket.length += written;
      total += written;
    },
    isFull: () => total >= FLUSH_BYTES,
    take() {
      const taken = [...open].map(([bucket, { bytes, length }]) => {
        bytes.write(']', length, 'latin1');
        return { bucket, pieces: bytes.subarray(0, length + 1) };
      });
      open = new Map();
      total = 0;
      return taken;
    },
  };
}

function grown(bytes: Buffer, least: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.max(least, bytes.length * 2));
  bytes.copy(larger);
  return larger;
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
