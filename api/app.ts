import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import { requestId } from 'hono/request-id';
import { authenticate, requireScope } from './auth/authenticate.ts';
import { refuseOtherSites, requireOwnHost } from './auth/same-site.ts';
import { openSessions } from './auth/sessions.ts';
import { requireBackends } from './backends/require-backends.ts';
import { configRoutes } from './config/routes.ts';
import type { ApiContext, ApiEnv } from './context.ts';
import { datasetRoutes } from './datasets/handlers.ts';
import { docsRoutes } from './docs/routes.ts';
import { type OpenApiDocument, openApiDocument } from './document.ts';
import { documentRoutes } from './documents/handlers.ts';
import { duplicateRoutes } from './duplicates/handlers.ts';
import { eventRoutes } from './events/routes.ts';
import { fileRoutes } from './files/handlers.ts';
import { healthRoutes } from './health/routes.ts';
import { jsonBodiesOnly, takesPictures } from './http/body.ts';
import { compressText } from './http/compress.ts';
import { onError, onNotFound } from './http/errors.ts';
import { jsonEtags } from './http/etags.ts';
import { allowMethods } from './http/methods.ts';
import { newRouter } from './http/new-router.ts';
import { operationFinder } from './http/operations.ts';
import { refuseUnknown } from './http/refuse-unknown.ts';
import { securityHeaders } from './http/security-headers.ts';
import { startOnce } from './http/start-once.ts';
import { jobRoutes } from './jobs/handlers.ts';
import { limitRoutes } from './limits/routes.ts';
import { loadRoutes } from './loads/routes.ts';
import { createMetrics } from './metrics/metrics.ts';
import { countRequests, metricsRoutes } from './metrics/routes.ts';
import { modelRoutes } from './models/models.ts';
import { pageRoutes } from './page/routes.ts';
import { sampleRoutes } from './samples/handlers.ts';
import { scheduleRoutes } from './schedules/handlers.ts';
import { searchRoutes } from './search/handlers.ts';
import { sessionRoutes } from './session/routes.ts';
import { sourceRoutes } from './sources/routes.ts';

/** The app, which takes a Request or is served on a port, and its OpenAPI document. */
export interface Api {
  fetch(request: Request, env?: object): Response | Promise<Response>;
  document: OpenApiDocument;
  /** Ends all streams. */
  close(): void;
}

/**
 * The HTTP API and the page.
 *
 * ```ts
 * const api = createApi(context);
 * const answer = await api.fetch(new Request('http://localhost/api/datasets'));
 * ```
 */
export function createApi(context: ApiContext): Api {
  const { settings, backends, thumbnails } = context;
  const events = eventRoutes(context);
  const metrics = createMetrics(backends, { openStreams: () => events.streams.open, thumbnails });
  const sessions = openSessions(backends, settings.tokens);
  const app = newRouter();
  app.onError(onError(context));
  app.notFound(onNotFound);

  app.use(requestId());
  app.use(countRequests(metrics));
  app.use(securityHeaders());
  app.use(requireOwnHost(settings));
  if (settings.origins.length > 0) app.use('/api/*', cors({ ...CORS, origin: [...settings.origins] }));
  app.use(refuseOtherSites(settings));
  const authenticated = authenticate(settings, sessions, (path) => PUBLIC.includes(path));
  app.use('/api/*', authenticated);
  app.use('/metrics', authenticated, requireScope('read'));
  app.use('/api/*', jsonBodiesOnly());
  app.use('/api/*', compressText());
  app.use('/metrics', compressText());
  app.use('/api/*', jsonEtags());
  const find = operationFinder(() => document);
  /** Runs a handler for the operations that start something. The document says which these are. */
  const forStarts = (handler: MiddlewareHandler<ApiEnv>): MiddlewareHandler<ApiEnv> =>
    async function ifItStarts(c, next) {
      return find(c.req)?.takesKey ? handler(c, next) : next();
    };
  guard(app, backends);
  app.use('/api/*', forStarts(requireBackends(backends, 'both')));
  app.use(refuseUnknown(find));
  app.use('/api/*', forStarts(startOnce(context)));

  app.route('/', healthRoutes(context));
  app.route('/', metricsRoutes(metrics));
  app.route('/', configRoutes(context));
  app.route('/', sessionRoutes(context, sessions));
  app.route('/', sourceRoutes(context));
  app.route('/', modelRoutes(context));
  app.route('/', jobRoutes(context));
  app.route('/', loadRoutes(context));
  app.route('/', scheduleRoutes(context));
  app.route('/', limitRoutes(context));
  app.route('/', datasetRoutes(context));
  app.route('/', sampleRoutes(context));
  app.route('/', documentRoutes(context));
  app.route('/', duplicateRoutes(context));
  app.route('/', searchRoutes(context));
  app.route('/', fileRoutes(context));
  app.route('/', events.router);
  const document = openApiDocument(app);
  app.use(allowMethods(document));
  app.route('/', docsRoutes(document));
  app.route('/', pageRoutes(settings));
  return { fetch: (request, env = {}) => app.fetch(request, env), document, close: events.streams.close };
}

const CORS = {
  credentials: true,
  allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
  exposeHeaders: [
    'Content-Range',
    'ETag',
    'Idempotency-Replayed',
    'Location',
    'Plimsoll-Reason',
    'Retry-After',
    'X-Request-Id',
  ],
};

/** Answered alike for all callers. */
const PUBLIC = ['/api/session', '/api/docs', '/api/docs/styles.css', '/api/openapi.json'];
/** Answered without a token, too: it says what the caller may do. */
const CONFIG = '/api/config';

/**
 * Guards the routes: reading needs the scope read, and so does a search, which changes nothing; changes and listing this
 * machine's folders need operate.
 */
function guard(app: ReturnType<typeof newRouter>, backends: ApiContext['backends']): void {
  const [read, operate] = [requireScope('read'), requireScope('operate')];
  const reads = new Set(['GET', 'HEAD']);
  app.use('/api/*', async (c, next) => {
    if (c.req.path === CONFIG || PUBLIC.includes(c.req.path)) return next();
    const isRead = reads.has(c.req.method) || takesPictures(c.req.path);
    const needed = isRead && !c.req.path.startsWith('/api/sources') ? read : operate;
    return needed(c, next);
  });
  app.use('/api/jobs/*', requireBackends(backends, 'both'));
  app.use('/api/loads', requireBackends(backends, 'both'));
  app.use('/api/schedules/*', requireBackends(backends, 'both'));
  app.use('/api/datasets/*', requireBackends(backends, 'mongodb'));
  app.use('/api/limits', requireBackends(backends, 'mongodb'));
  app.use('/api/events', requireBackends(backends, 'mongodb'));
}
