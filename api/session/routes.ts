import { createRoute } from '@hono/zod-openapi';
import { unknownToken } from '../auth/authenticate.ts';
import type { Sessions } from '../auth/sessions.ts';
import { scopeOf } from '../auth/tokens.ts';
import type { ApiContext } from '../context.ts';
import { body, json, problems, WITH_BODY } from '../http/answers.ts';
import { newRouter } from '../http/new-router.ts';
import { session, sessionBody } from '../schemas/server.ts';

const tags = ['Server'];

const beginRoute = createRoute({
  method: 'post',
  path: '/api/session',
  operationId: 'openSession',
  tags,
  summary: 'Sign in',
  description:
    "For the page: begins a session of 30 days. Its cookie is out of the reach of scripts, and no other site's page can use it. The session ends with its token: once the server does not know the token any more, the session allows nothing.",
  security: [],
  request: { body: body(sessionBody) },
  responses: {
    200: json(session, 'What the token may do.'),
    ...problems('TokenInvalid', 'MongoDBUnavailable', ...WITH_BODY),
  },
});

const endRoute = createRoute({
  method: 'delete',
  path: '/api/session',
  operationId: 'closeSession',
  tags,
  summary: 'Sign out',
  description: 'Ends the session of the cookie, on all servers of the database.',
  security: [],
  responses: {
    204: { description: 'It has ended.' },
    ...problems('TokenInvalid', 'MongoDBUnavailable', ...WITH_BODY),
  },
});

export function sessionRoutes({ settings: { tokens } }: Pick<ApiContext, 'settings'>, sessions: Sessions) {
  const router = newRouter();
  router.openapi(beginRoute, async (c) => {
    const { token } = c.req.valid('json');
    // Without tokens every caller may do everything, so no session is needed.
    if (tokens.length === 0) return c.json({ scope: 'operate' as const }, 200);
    const scope = scopeOf(token, tokens);
    if (scope === undefined) throw unknownToken();
    await sessions.begin(c, token);
    return c.json({ scope }, 200);
  });
  router.openapi(endRoute, async (c) => {
    await sessions.end(c);
    return c.body(null, 204);
  });
  return router;
}
