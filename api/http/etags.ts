import { createHash } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from '../context.ts';

/**
 * Tags JSON answers by their content, and answers 304 to a caller who has that content. The tag is weak, because the
 * answer may be compressed. A browser may keep the answer, and has to ask each time whether it still holds.
 */
export function jsonEtags(): MiddlewareHandler<ApiEnv> {
  return async function tagJson(c, next) {
    await next();
    const isRead = c.req.method === 'GET' || c.req.method === 'HEAD';
    const isJson = c.res.headers.get('content-type')?.startsWith('application/json') === true;
    if (!isRead || !isJson || c.res.status !== 200) return;
    const content = Buffer.from(await c.res.clone().arrayBuffer());
    const tag = createHash('sha256').update(content).digest('base64url').slice(0, 27);
    c.header('ETag', `W/"${tag}"`);
    if (!c.res.headers.has('cache-control')) c.header('Cache-Control', 'private, no-cache');
    if (!isKnown(c.req.header('if-none-match'), tag)) return;
    const { headers } = c.res;
    headers.delete('content-type');
    headers.delete('content-length');
    c.res = new Response(null, { status: 304, headers });
  };
}

/** Whether `If-None-Match` names the tag. Its comparison is weak. */
function isKnown(given: string | undefined, tag: string): boolean {
  if (given === undefined) return false;
  return given.trim() === '*' || [...given.matchAll(/"([^"]*)"/g)].some(([, known]) => known === tag);
}
