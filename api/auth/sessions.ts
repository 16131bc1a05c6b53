import { randomBytes } from 'node:crypto';
import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { hashOfToken } from '../../core/api-tokens.ts';
import { beginSession, endSession, tokenOfSession } from '../../core/store/sessions.ts';
import type { ApiBackends } from '../backends/backends.ts';
import { requireReady } from '../backends/require-backends.ts';
import type { ApiEnv } from '../context.ts';
import type { Scope } from '../schemas/server.ts';
import { scopeOfHash, type TokenRecord } from './tokens.ts';

/**
 * The page's sessions. The cookie holds a random ID, out of the reach of scripts. MongoDB holds the ID's hash and the
 * hash of the token, so all servers of a database share the sessions, and a sign-out ends one on all of them.
 */
export interface Sessions {
  /** Begins a session for a token, and ends the one that the caller has. */
  begin(c: Context<ApiEnv>, token: string): Promise<void>;
  /** Reads the scope of the caller's session; null if there is none. Withdrawing a token ends its sessions. */
  scope(c: Context<ApiEnv>): Promise<Scope | null>;
  end(c: Context<ApiEnv>): Promise<void>;
}

const COOKIE = 'plimsoll_session';
const DAYS_30 = 30 * 24 * 3600;
/** 256 random bits in base64url. */
const ID = /^[\w-]{43}$/;

/** All functions throw ProblemError MongoDBUnavailable if the store does not answer. */
export function openSessions(
  { client: { store }, mongodb }: Pick<ApiBackends, 'client' | 'mongodb'>,
  tokens: readonly TokenRecord[],
): Sessions {
  // An ID is as random as a token.
  const keyOf = (id: string) => hashOfToken(id).toString('hex');

  async function endStored(c: Context<ApiEnv>): Promise<void> {
    const id = getCookie(c, COOKIE);
    if (id === undefined || !ID.test(id)) return;
    requireReady(mongodb);
    await endSession(store, keyOf(id));
  }

  return {
    async begin(c, token) {
      requireReady(mongodb);
      await endStored(c);
      const id = randomBytes(32).toString('base64url');
      const expires_at = new Date(Date.now() + DAYS_30 * 1000);
      await beginSession(store, { _id: keyOf(id), token: hashOfToken(token).toString('hex'), expires_at });
      setCookie(c, COOKIE, id, {
        path: '/',
        httpOnly: true,
        sameSite: 'Strict',
        secure: isHttps(c.req.url, c.req.header('x-forwarded-proto')),
        maxAge: DAYS_30,
      });
    },
    async scope(c) {
      const id = getCookie(c, COOKIE);
      if (id === undefined) return null;
      if (ID.test(id)) {
        requireReady(mongodb);
        const token = await tokenOfSession(store, keyOf(id));
        const scope = token === undefined ? undefined : scopeOfHash(Buffer.from(token, 'hex'), tokens);
        if (scope !== undefined) return scope;
      }
      deleteCookie(c, COOKIE, { path: '/' });
      return null;
    },
    async end(c) {
      await endStored(c);
      deleteCookie(c, COOKIE, { path: '/' });
    },
  };
}

/** A proxy sets this header. A caller that forges it only keeps its own cookie off plain HTTP. */
const isHttps = (url: string, forwarded: string | undefined) => url.startsWith('https:') || forwarded === 'https';
