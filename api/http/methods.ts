import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from '../context.ts';
import type { OpenApiDocument } from '../document.ts';
import { problemOf } from '../problem/to-problem.ts';
import { readOperations } from './operations.ts';

/** Runs after the routes: a known path with a wrong method gets 405, not 404. */
export function allowMethods(document: OpenApiDocument): MiddlewareHandler<ApiEnv> {
  const find = readOperations(document);
  return async function refuseOtherMethods(c, next) {
    const allowed = find(c.req.path).map(({ method }) => method);
    if (allowed.length === 0) return next();
    throw problemOf('MethodNotAllowed', `${c.req.path} takes ${allowed.join(', ')}.`, {
      headers: { Allow: allowed.join(', ') },
    });
  };
}
