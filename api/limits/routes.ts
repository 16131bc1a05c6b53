import { createRoute } from '@hono/zod-openapi';
import type { ApiContext } from '../context.ts';
import { body, GUARDED, json, problems, STORED, WITH_BODY } from '../http/answers.ts';
import { newRouter } from '../http/new-router.ts';
import { limit, limitBody, limitList } from '../schemas/limits.ts';

const tags = ['Limits'];

const listRoute = createRoute({
  method: 'get',
  path: '/api/limits',
  operationId: 'listLimits',
  tags,
  summary: 'How fast embedding may be',
  responses: { 200: json(limitList, 'The limits.'), ...problems(...GUARDED, ...STORED) },
});

const setRoute = createRoute({
  method: 'post',
  path: '/api/limits',
  operationId: 'setLimit',
  tags,
  summary: 'Limit how fast a task queue embeds, or lift the limit',
  description: 'It holds within a second, also for jobs that run, and is kept until it is lifted.',
  request: { body: body(limitBody) },
  responses: {
    200: json(limit, 'The limit, as it is then.'),
    ...problems('ScopeMissing', ...WITH_BODY, ...GUARDED, ...STORED),
  },
});

export function limitRoutes({ backends }: Pick<ApiContext, 'backends'>) {
  const { limits } = backends.client;
  return newRouter()
    .openapi(listRoute, async (c) => c.json({ limits: await limits.list() }, 200))
    .openapi(setRoute, async (c) => {
      const { samples_per_second, task_queue } = c.req.valid('json');
      return c.json(await limits.set(samples_per_second, task_queue), 200);
    });
}
