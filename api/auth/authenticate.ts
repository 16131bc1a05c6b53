import type { Context, MiddlewareHandler } from 'hono';
import { deleteCookie, getCookie } from 'hono/cookie';
import type { ApiEnv } from '../context.ts';
import { problemOf } from '../problem/to-problem.ts';
import type { Scope } from '../schemas/server.ts';
import type { ApiSettings } from '../settings.ts';
import { scopeOf } from './tokens.ts';

export const SESSION_COOKIE = 'plimsoll_session';

/** Sets the caller's `scope`. An unknown token in the header is refused instead of treated as no token. */
export function authenticate({ tokens }: Pick<ApiSettings, 'tokens'>): MiddlewareHandler<ApiEnv> {
  return async function authenticateCaller(c, next) {
    c.set('scope', tokens.length === 0 ? 'operate' : presentedScope(c, tokens));
    await next();
  };
}

function presentedScope(c: Context<ApiEnv>, tokens: ApiSettings['tokens']): Scope | null {
  const header = c.req.header('authorization');
  if (header !== undefined) {
    const token = /^Bearer +([\w.~+/=-]{1,500})$/i.exec(header)?.[1];
    const scope = token === undefined ? undefined : scopeOf(token, tokens);
    if (scope === undefined) throw unknownToken();
    return scope;
  }
  const cookie = getCookie(c, SESSION_COOKIE);
  if (cookie === undefined) return null;
  const scope = scopeOf(cookie, tokens);
  // Delete the cookie of a withdrawn token, so that the page asks for another one.
  if (scope === undefined) deleteCookie(c, SESSION_COOKIE, { path: '/' });
  return scope ?? null;
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
