import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from '../context.ts';
import { problemOf } from '../problem/to-problem.ts';
import type { ApiBackends } from './backends.ts';

/** How long Temporal may take to answer one request, including a worker's answer to an update. */
const ANSWER_WITHIN_MS = 15_000;

/** Answers 503 at once, instead of after a timeout, if a server is known not to answer. */
export function requireBackends(
  { client, mongodb, temporal }: ApiBackends,
  needed: 'mongodb' | 'both',
): MiddlewareHandler<ApiEnv> {
  return async function requireBackendsOfRoute(_c, next) {
    requireReady(mongodb);
    if (needed === 'both' && !temporal.ready)
      throw problemOf('TemporalUnavailable', 'Temporal does not answer. The server keeps trying.');
    await client.temporal.connection.withDeadline(Date.now() + ANSWER_WITHIN_MS, next);
  };
}

/** @throws ProblemError MongoDBUnavailable at once, instead of after a timeout */
export function requireReady(mongodb: ApiBackends['mongodb']): void {
  if (!mongodb.ready)
    throw problemOf('MongoDBUnavailable', mongodb.reason ?? 'MongoDB does not answer. The server keeps trying.');
}
