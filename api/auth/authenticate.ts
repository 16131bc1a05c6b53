import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from '../context.ts';
import { problemOf } from '../problem/to-problem.ts';
import type { Scope } from '../schemas/server.ts';
import type { ApiSettings } from '../settings.ts';
import type { Sessions } from './sessions.ts';
import { scopeOf } from './tokens.ts';

/**
 * Sets the caller's `scope`. An unknown token in the header is refused instead of treated as no token.
 *
 * @param isPublic whether a path is answered alike for all callers: sessions are then not looked up
 */
export function authenticate(
  { tokens }: Pick<ApiSettings, 'tokens'>,
  sessions: Sessions,
  isPublic: (path: string) => boolean,
): MiddlewareHandler<ApiEnv> {
  return async function authenticateCaller(c, next) {
    const header = c.req.header('authorization');
    if (tokens.length === 0) c.set('scope', 'operate');
    else if (header !== undefined) c.set('scope', scopeOfHeader(header, tokens));
    else c.set('scope', isPublic(c.req.path) ? null : await sessions.scope(c));
    await next();
  };
}

function scopeOfHeader(header: string, tokens: ApiSettings['tokens']): Scope {
  const token = /^Bearer +([\w.~+/=-]{1,500})$/i.exec(header)?.[1];
  const scope = token === undefined ? undefined : scopeOf(token, tokens);
  if (scope === undefined) throw unknownToken();
  return scope;
}

export const unknownToken = () =>
  problemOf('TokenInvalid', 'The token is not one that this server knows.', {
    headers: { 'WWW-Authenticate': 'Bearer realm="plimsoll", error="invalid_token"' },
  });

/** Refuses callers without the needed scope; operate includes read. */
export function requireScope(needed: Scope): MiddlewareHandler<ApiEnv> {
  return async function requireScopeOfCaller(c, next) {
    const scope = c.get('scope');
    if (scope === null)
      throw problemOf('TokenRequired', 'Send a token: Authorization: Bearer TOKEN', {
        headers: { 'WWW-Authenticate': 'Bearer realm="plimsoll"' },
      });
    if (needed === 'operate' && scope !== 'operate')
      throw problemOf('ScopeMissing', 'This needs a token of the scope operate; this one may only read.');
    await next();
  };
}
