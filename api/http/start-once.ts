import { createHash } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { findStarted } from '../../client/find-started.ts';
import {
  claimStart,
  forgetClaim,
  type KeptAnswer,
  keepAnswer,
  leaveClaim,
  type StartClaim,
} from '../../core/store/start-keys.ts';
import type { ApiContext, ApiEnv } from '../context.ts';
import { REPLACED_WITHIN_MS } from '../jobs/start-as.ts';
import { problemOf } from '../problem/to-problem.ts';
import { IDEMPOTENCY_KEY, startHeaders } from '../schemas/parameters.ts';
import { invalidRequest } from './errors.ts';

/** Longer than a request takes that does not wait for another job's end. */
const HOLD_MS = 30_000;

/**
 * Carries out a request with an `Idempotency-Key` once. A repetition gets the same answer, also from another process.
 *
 * A process may die after Temporal has started a job and before its answer is kept. So the claim of the key marks the
 * job, and who takes the claim over looks for the mark first.
 */
export function startOnce({ backends, log }: Pick<ApiContext, 'backends' | 'log'>): MiddlewareHandler<ApiEnv> {
  const { store, temporal } = backends.client;
  return async function startUnderKey(c, next) {
    const parsed = startHeaders.safeParse(c.req.header());
    if (!parsed.success) throw invalidRequest('header', parsed.error);
    const key = parsed.data[IDEMPOTENCY_KEY];
    if (key === undefined) return next();
    const isReplacement = c.req.query('if_running') === 'replace';
    const claimed = await claimStart(store, key, {
      fingerprint: await fingerprintOf(c),
      holdMs: isReplacement ? HOLD_MS + REPLACED_WITHIN_MS : HOLD_MS,
    });
    if ('answer' in claimed) return replay(c, claimed.answer);
    if ('refused' in claimed) throw refusals[claimed.refused]();
    const { claim } = claimed;
    const started = claim.takenOver ? await findStarted(temporal, claim.id, claim.since) : undefined;
    if (started === undefined) {
      c.set('claim', claim);
      await next();
    } else {
      c.res = c.json({ ...started, attached: false }, 202, { Location: `/api/jobs/${started.job_id}` });
    }
    await settle(c, key, claim).catch((error: unknown) => log(`The answer to ${key} was not kept`, error));
  };

  async function settle(c: Context<ApiEnv>, key: string, claim: StartClaim): Promise<void> {
    const { status, ok, headers } = c.res;
    // A preview starts nothing.
    const isPreview = c.req.query('dry_run') === 'true';
    if (ok && !isPreview) {
      const body = await c.res.clone().text();
      await keepAnswer(store, key, claim, { status, body, location: headers.get('location') });
    } else if (status < 500) await forgetClaim(store, key, claim);
    else await leaveClaim(store, key, claim);
  }
}

/** A hash of all that makes a request the same: its address and its body. */
async function fingerprintOf(c: Context<ApiEnv>): Promise<string> {
  const { pathname, search } = new URL(c.req.url);
  return createHash('sha256')
    .update(`${c.req.method} ${pathname}${search}\n${await c.req.text()}`)
    .digest('base64url');
}

function replay(c: Context<ApiEnv>, { status, body, location }: KeptAnswer): Response {
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Replayed': 'true' };
  const more = location === null ? {} : { Location: location };
  return c.body(body, status as ContentfulStatusCode, { ...headers, ...more });
}

const refusals = {
  other: () =>
    problemOf(
      'IdempotencyKeyReused',
      'Idempotency-Key: another request was sent with this key. Take a new key for each request, and the same one to repeat it.',
    ),
  busy: () =>
    problemOf(
      'IdempotencyKeyInUse',
      'Idempotency-Key: the request with this key is being carried out. Repeat it in a moment to get its answer.',
      { headers: { 'Retry-After': '2' } },
    ),
};
