import type { MiddlewareHandler } from 'hono';
import { hostNameOf, isLoopback } from '../../core/loopback.ts';
import type { ApiEnv } from '../context.ts';
import { problemOf } from '../problem/to-problem.ts';
import type { ApiSettings } from '../settings.ts';

/**
 * Refuses unknown Host names if there are no tokens. The loopback address alone then protects the server, and a web
 * page can reach it through a name of its own that resolves to 127.0.0.1 (DNS rebinding).
 */
export function requireOwnHost({ tokens, hostNames }: ApiSettings): MiddlewareHandler<ApiEnv> {
  return async function requireOwnHostName(c, next) {
    const header = c.req.header('host');
    if (tokens.length === 0 && header !== undefined) {
      const name = hostNameOf(header);
      if (name === undefined || !(isLoopback(name) || hostNames.includes(name)))
        throw problemOf(
          'HostRefused',
          'Call this server as localhost or 127.0.0.1, or add the name to PLIMSOLL_API_HOSTS.',
        );
    }
    await next();
  };
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses changes from pages of other sites, which a browser would send with the user's cookie or from this machine.
 * Programs send neither header and pass.
 */
export function refuseOtherSites({ origins }: ApiSettings): MiddlewareHandler<ApiEnv> {
  return async function refuseOtherSitesRequests(c, next) {
    if (!SAFE.has(c.req.method)) {
      const origin = c.req.header('origin');
      const site = c.req.header('sec-fetch-site');
      const allowed = origin !== undefined && origins.includes(origin);
      const foreign =
        origin === undefined
          ? site !== undefined && site !== 'same-origin' && site !== 'none'
          : URL.parse(origin)?.host !== c.req.header('host');
      if (foreign && !allowed)
        throw problemOf(
          'OriginRefused',
          'Pages of other sites may not change anything here, unless PLIMSOLL_API_ORIGINS names them.',
        );
    }
    await next();
  };
}
