import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from '../context.ts';
import type { OpenApiDocument } from '../document.ts';
import { problemOf } from '../problem/to-problem.ts';

const METHODS = ['get', 'post', 'put', 'delete'] as const;

/** Runs after the routes: a known path with a wrong method gets 405, not 404. */
export function allowMethods(document: OpenApiDocument): MiddlewareHandler<ApiEnv> {
  const known = Object.entries(document.paths ?? {}).map(([path, item]) => ({
    pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    allowed: METHODS.filter((method) => method in item).map((method) => method.toUpperCase()),
  }));
  return async function refuseOtherMethods(c, next) {
    const found = known.filter(({ pattern }) => pattern.test(c.req.path));
    if (found.length === 0) return next();
    const allowed = found.flatMap((path) => path.allowed);
    throw problemOf('MethodNotAllowed', `${c.req.path} takes ${allowed.join(', ')}.`, {
      headers: { Allow: allowed.join(', ') },
    });
  };
}
