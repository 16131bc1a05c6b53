import type { Context } from 'hono';
import { MOST_PICTURE_BYTES } from '../../contract/search.ts';
import { createPermits } from '../../core/concurrency/permits.ts';
import type { ApiEnv } from '../context.ts';
import { readAtMost } from '../http/body.ts';
import { problemOf } from '../problem/to-problem.ts';

/** Bytes of all pictures in memory. Others wait, and their callers send no faster than is read. */
const BYTES_IN_MEMORY = 4 * MOST_PICTURE_BYTES;

/** Reads pictures from bodies and hands each to `use`. */
export type Uploads = <T>(c: Context<ApiEnv>, use: (picture: Uint8Array) => Promise<T>) => Promise<T>;

/** Creates the uploads of a server, which share a bounded amount of memory. @throws ProblemError BodyTooLarge */
export function createUploads(): Uploads {
  const permits = createPermits(BYTES_IN_MEMORY);
  return async function withUpload(c, use) {
    const length = c.req.header('content-length');
    const announced = length === undefined ? MOST_PICTURE_BYTES : Number(length);
    if (announced > MOST_PICTURE_BYTES) throw tooLarge();
    const free = await permits.take(announced);
    try {
      return await use(await readAtMost(c.req.raw.body, MOST_PICTURE_BYTES, tooLarge));
    } finally {
      free();
    }
  };
}

const tooLarge = () => problemOf('BodyTooLarge', `The picture is larger than ${MOST_PICTURE_BYTES / 2 ** 20} MiB.`);
