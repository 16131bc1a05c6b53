import type { Context, MiddlewareHandler } from 'hono';
import type { ApiEnv } from '../context.ts';
import { ProblemError } from '../problem/problem-error.ts';
import { problemOf } from '../problem/to-problem.ts';
import { MAX_BODY_BYTES } from '../settings.ts';

/** Bodies are JSON, and small. A form, which a page of another site could send without asking, is none. */
export function jsonBodiesOnly(): MiddlewareHandler<ApiEnv> {
  return async function checkBody(c, next) {
    if (c.req.method !== 'POST') return next();
    const type = c.req.header('content-type');
    const there = hasBody(c);
    if ((type !== undefined || there) && !/^application\/json\s*(;|$)/i.test(type ?? ''))
      throw problemOf('UnsupportedMediaType', 'Send the body as application/json.');
    if (there) await requireSmall(c);
    return next();
  };
}

/** Whether one was announced. On a socket the headers say so: Node gives each POST a stream, be it empty. */
function hasBody(c: Context<ApiEnv>): boolean {
  const length = c.req.header('content-length');
  if (length !== undefined) return length !== '0';
  if (c.env?.incoming !== undefined) return c.req.header('transfer-encoding') !== undefined;
  return c.req.raw.body !== null;
}

/**
 * Not by Hono's bodyLimit: it makes a Request of the one that was read, which Node's own refuses to take from @hono/node-server, so that
 * every body without a length ended as a fault of ours.
 */
async function requireSmall(c: Context<ApiEnv>): Promise<void> {
  const tooLarge = () => problemOf('BodyTooLarge', 'The body is larger than 1 MiB.');
  const length = c.req.header('content-length');
  if (length !== undefined) {
    if (Number(length) > MAX_BODY_BYTES) throw tooLarge();
    return;
  }
  const { body, url, method, headers, signal } = c.req.raw;
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      sizeBytes += chunk.length;
      if (sizeBytes > MAX_BODY_BYTES) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    // The caller has left, or took too long and was cut off: no fault of ours.
    throw problemOf('BodyIncomplete', 'The body ended before it was whole.');
  }
  c.req.raw = new Request(url, { method, headers, signal, body: Buffer.concat(chunks) });
}
