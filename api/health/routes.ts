import { createRoute } from '@hono/zod-openapi';
import type { Monitor } from '../backends/monitor.ts';
import type { ApiContext } from '../context.ts';
import { json, problems } from '../http/answers.ts';
import { newRouter } from '../http/new-router.ts';
import { health, type Readiness, readiness } from '../schemas/server.ts';

const tags = ['Server'];

const healthRoute = createRoute({
  method: 'get',
  path: '/health',
  operationId: 'getHealth',
  tags,
  summary: 'Whether this process is alive',
  security: [],
  responses: { 200: json(health, 'It is.'), ...problems() },
});

const readyRoute = createRoute({
  method: 'get',
  path: '/ready',
  operationId: 'getReadiness',
  tags,
  summary: 'Whether it can do its work, and what is missing',
  security: [],
  responses: {
    200: json(readiness, 'All is there.'),
    503: {
      ...json(readiness, 'Something is missing.'),
      headers: { 'Retry-After': { schema: { type: 'string' as const } } },
    },
    ...problems(),
  },
});

export function healthRoutes(context: ApiContext) {
  const router = newRouter();
  router.openapi(healthRoute, (c) => c.json({ status: 'alive' as const }, 200));
  router.openapi(readyRoute, (c) => {
    const found = readinessOf(context);
    return found.ready ? c.json(found, 200) : c.json(found, 503, { 'Retry-After': '2' });
  });
  return router;
}

export function readinessOf({ backends, changes }: Pick<ApiContext, 'backends' | 'changes'>): Readiness {
  const part = ({ ready, reason }: Monitor, name: string) => ({
    ready,
    detail: ready ? `${name} answers.` : (reason ?? `${name} does not answer. The server keeps trying.`),
  });
  const mongodb = part(backends.mongodb, 'MongoDB');
  const temporal = part(backends.temporal, 'Temporal');
  const heard = {
    ready: changes.ready,
    detail: changes.ready ? 'Changes are heard.' : 'Changes are not heard: MongoDB is away, or is no replica set.',
  };
  return { ready: mongodb.ready && temporal.ready && heard.ready, mongodb, temporal, changes: heard };
}
