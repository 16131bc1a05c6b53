import type { Context, MiddlewareHandler } from 'hono';
import type { ApiEnv } from '../context.ts';
import { ProblemError } from '../problem/problem-error.ts';
import { problemOf } from '../problem/to-problem.ts';
import { MAX_BODY_BYTES } from '../settings.ts';

const PICTURE = /^(image\/[\w.+-]+|application\/octet-stream)\s*(;|$)/i;

/** Whether the address takes a picture instead of JSON: a search. */
export const takesPictures = (path: string): boolean => /^\/api\/datasets\/[^/]+\/search$/.test(path);

/** Whether the body is a picture, at an address that takes one. */
export const isPicture = (c: Context<ApiEnv>): boolean =>
  takesPictures(c.req.path) && PICTURE.test(c.req.header('content-type') ?? '');

/**
 * Accepts only small JSON bodies, and pictures where they are taken: their handler bounds them. Forms are refused because a page of another site can send one without CORS checks.
 */
export function jsonBodiesOnly(): MiddlewareHandler<ApiEnv> {
  return async function checkBody(c, next) {
    const changes = ['POST', 'PUT', 'DELETE'].includes(c.req.method);
    if (!changes || isPicture(c)) return next();
    const type = c.req.header('content-type');
    const there = hasBody(c);
    if ((type !== undefined || there) && !/^application\/json\s*(;|$)/i.test(type ?? ''))
      throw problemOf('UnsupportedMediaType', 'Send the body as application/json.');
    if (there) await requireSmall(c);
    return next();
  };
}

/** Whether a body was announced. The headers decide for a socket, because Node gives every POST a body stream. */
export function hasBody(c: Context<ApiEnv>): boolean {
  const length = c.req.header('content-length');
  if (length !== undefined) return length !== '0';
  if (c.env?.incoming !== undefined) return c.req.header('transfer-encoding') !== undefined;
  return c.req.raw.body !== null;
}

/**
 * Replaces Hono's bodyLimit, which builds a Request from the one it read. Node's Request refuses one that comes from
 * @hono/node-server, so every body without a length ended as an internal error.
 */
async function requireSmall(c: Context<ApiEnv>): Promise<void> {
  const tooLarge = () => problemOf('BodyTooLarge', 'The body is larger than 1 MiB.');
  const length = c.req.header('content-length');
  if (length !== undefined) {
    if (Number(length) > MAX_BODY_BYTES) throw tooLarge();
    return;
  }
  const { body, url, method, headers, signal } = c.req.raw;
  c.req.raw = new Request(url, { method, headers, signal, body: await readAtMost(body, MAX_BODY_BYTES, tooLarge) });
}

/** Reads a body. Stops reading one that is too large. @throws ProblemError BodyIncomplete; `tooLarge` */
export async function readAtMost(
  body: ReadableStream<Uint8Array> | null,
  most: number,
  tooLarge: () => ProblemError,
): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of body ?? []) {
      sizeBytes += chunk.length;
      if (sizeBytes > most) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    // The caller left or timed out, so this is not an internal error.
    throw problemOf('BodyIncomplete', 'The body ended before it was whole.');
  }
  return Buffer.concat(chunks);
}
