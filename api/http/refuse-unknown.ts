import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from '../context.ts';
import { problemOf } from '../problem/to-problem.ts';
import { hasBody } from './body.ts';
import type { FindOperation } from './operations.ts';

/**
 * Refuses query parameters where an operation has none, and a body where it takes none. A caller who misplaced an option
 * would take its silence for consent. Other operations have strict schemas.
 */
export function refuseUnknown(find: FindOperation): MiddlewareHandler<ApiEnv> {
  return async function requireKnownInput(c, next) {
    const operation = find(c.req);
    if (operation === undefined) return next();
    if (!operation.takesQuery) {
      const [unknown] = new URL(c.req.url).searchParams.keys();
      if (unknown !== undefined) throw unknownParameter(unknown.slice(0, 100));
    }
    if (operation.method !== 'GET' && !operation.takesBody && hasBody(c)) requireEmpty(await c.req.text());
    return next();
  };
}

function unknownParameter(name: string) {
  const message = 'is unknown: this address has no parameters';
  return problemOf('InvalidParameter', `${name} ${message}`, { errors: [{ in: 'query', field: name, message }] });
}

/** Many clients send `{}` with every POST. */
function requireEmpty(text: string): void {
  if (/^\s*$/.test(text)) return;
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw problemOf('InvalidJson', 'The body is not JSON.');
  }
  if (typeof body === 'object' && body !== null && Object.keys(body).length === 0) return;
  const message = 'must be left out: this address takes no fields';
  throw problemOf('InvalidInput', `The body ${message}`, { errors: [{ in: 'body', field: '', message }] });
}
