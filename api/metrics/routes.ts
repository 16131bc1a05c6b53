import { createRoute } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import type { ApiEnv } from '../context.ts';
import { GUARDED, problems } from '../http/answers.ts';
import { newRouter } from '../http/new-router.ts';
import type { Metrics } from './metrics.ts';

const metricsRoute = createRoute({
  method: 'get',
  path: '/metrics',
  operationId: 'getMetrics',
  tags: ['Server'],
  summary: 'Metrics, in the OpenMetrics format',
  responses: {
    200: {
      description: 'The metrics.',
      content: { 'application/openmetrics-text': { schema: { type: 'string' as const } } },
    },
    ...problems(...GUARDED),
  },
});

export function metricsRoutes(metrics: Metrics) {
  return newRouter().openapi(metricsRoute, async (c) =>
    c.body(await metrics.text(), 200, { 'Content-Type': metrics.contentType }),
  );
}

/** Counts each request under its route pattern, because a label per URL would be unbounded. */
export function countRequests(metrics: Metrics): MiddlewareHandler<ApiEnv> {
  return async function countRequest(c, next) {
    const beganMs = performance.now();
    await next();
    const route = matchedRoutes(c).findLast(({ method }) => method !== 'ALL')?.path ?? 'unknown';
    metrics.request({ method: c.req.method, route, status: c.res.status }, (performance.now() - beganMs) / 1000);
  };
}
