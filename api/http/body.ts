import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { ApiEnv } from '../context.ts';
import { problemOf } from '../problem/to-problem.ts';
import { MAX_BODY_BYTES } from '../settings.ts';

/** Bodies are JSON, and small. A form, which a page of another site could send without asking, is none. */
export function jsonBodiesOnly(): MiddlewareHandler<ApiEnv> {
  const limit = bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: () => {
      throw problemOf('BodyTooLarge', 'The body is larger than 1 MiB.');
    },
  });
  return async function checkBody(c, next) {
    if (c.req.method !== 'POST') return next();
    const type = c.req.header('content-type');
    const empty = c.req.header('content-length') === '0' || (c.req.raw.body === null && type === undefined);
    if (!empty && !/^application\/json\s*(;|$)/i.test(type ?? ''))
      throw problemOf('UnsupportedMediaType', 'Send the body as application/json.');
    return limit(c, next);
  };
}
