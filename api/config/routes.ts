import { createRoute } from '@hono/zod-openapi';
import { MOST_TAGGED } from '../../contract/sample-filter.ts';
import { MOST_PICTURE_BYTES } from '../../contract/search.ts';
import type { ApiContext } from '../context.ts';
import { readinessOf } from '../health/routes.ts';
import { json, problems } from '../http/answers.ts';
import { newRouter } from '../http/new-router.ts';
import { THUMBNAIL_SIZES } from '../schemas/samples.ts';
import { config } from '../schemas/server.ts';
import { MAX_BODY_BYTES } from '../settings.ts';
import { packageVersion } from './package-version.ts';

const configRoute = createRoute({
  method: 'get',
  path: '/api/config',
  operationId: 'getConfig',
  tags: ['Server'],
  summary: 'What the caller may do, and the limits',
  description: 'Also answered without a token: then `scope` is null.',
  security: [],
  responses: { 200: json(config, 'The configuration.'), ...problems('TokenInvalid', 'MongoDBUnavailable') },
});

export function configRoutes(context: ApiContext) {
  const { settings, backends } = context;
  return newRouter().openapi(configRoute, (c) => {
    const scope = c.get('scope');
    return c.json(
      {
        version: packageVersion(),
        scope,
        token_required: settings.tokens.length > 0,
        temporal_ui_url: scope === null ? null : (settings.uiUrl ?? null),
        temporal_namespace: scope === null ? null : backends.client.temporal.options.namespace,
        ready: readinessOf(context).ready,
        limits: {
          samples_per_page: 1000,
          jobs_per_page: 200,
          body_bytes: MAX_BODY_BYTES,
          picture_bytes: MOST_PICTURE_BYTES,
          open_streams: settings.maxStreams,
          samples_tagged_at_once: MOST_TAGGED,
        },
        thumbnail_sizes: [...THUMBNAIL_SIZES],
      },
      200,
    );
  });
}
