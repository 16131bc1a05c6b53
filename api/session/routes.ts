import { createRoute } from '@hono/zod-openapi';
import { deleteCookie, setCookie } from 'hono/cookie';
import { SESSION_COOKIE, unknownToken } from '../auth/authenticate.ts';
import { scopeOf } from '../auth/tokens.ts';
import type { ApiContext } from '../context.ts';
import { body, json, problems, WITH_BODY } from '../http/answers.ts';
import { newRouter } from '../http/new-router.ts';
import { session, sessionBody } from '../schemas/server.ts';

const tags = ['Server'];
const DAYS_30 = 30 * 24 * 3600;

const beginRoute = createRoute({
  method: 'post',
  path: '/api/session',
  tags,
  summary: 'Keep a token in a cookie',
  description: "For the page: the cookie is out of its scripts' reach, and no other site's page can make use of it.",
  security: [],
  request: { body: body(sessionBody) },
  responses: { 200: json(session, 'What the token may do.'), ...problems('TokenInvalid', ...WITH_BODY) },
});

const endRoute = createRoute({
  method: 'delete',
  path: '/api/session',
  tags,
  summary: 'Forget the token',
  security: [],
  responses: { 204: { description: 'It is forgotten.' }, ...problems('OriginRefused', 'TokenInvalid') },
});

export function sessionRoutes({ settings: { tokens } }: Pick<ApiContext, 'settings'>) {
  const router = newRouter();
  router.openapi(beginRoute, (c) => {
    const { token } = c.req.valid('json');
    // Without tokens every caller may do everything, so no cookie is needed.
    const scope = tokens.length === 0 ? 'operate' : scopeOf(token, tokens);
    if (scope === undefined) throw unknownToken();
    if (tokens.length > 0)
      setCookie(c, SESSION_COOKIE, token, {
        path: '/',
        httpOnly: true,
        sameSite: 'Strict',
        secure: isHttps(c.req.url, c.req.header('x-forwarded-proto')),
        maxAge: DAYS_30,
      });
    return c.json({ scope }, 200);
  });
  router.openapi(endRoute, (c) => {
    deleteCookie(c, SESSION_COOKIE, { path: '/' });
    return c.body(null, 204);
  });
  return router;
}

/** A proxy sets this header. A caller that forges it only keeps its own cookie off plain HTTP. */
const isHttps = (url: string, forwarded: string | undefined) => url.startsWith('https:') || forwarded === 'https';
