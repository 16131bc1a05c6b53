import type { OpenAPIHono } from '@hono/zod-openapi';
import { packageVersion } from './config/package-version.ts';
import type { ApiEnv } from './context.ts';

// The types of the document are those of OpenAPI 3.0, whose license has no identifier.
const LICENSE = { name: 'MIT', identifier: 'MIT' };

/** The OpenAPI document of the routes, generated from the schemas that validate their input. */
export function openApiDocument(app: OpenAPIHono<ApiEnv>) {
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  app.openAPIRegistry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: 'plimsoll_session',
  });
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Plimsoll',
      version: packageVersion(),
      description:
        'Loads folders of images into datasets, shows them while they load, and tells of the progress. Errors are problem details (RFC 9457) with a stable `code`. On the loopback address, without tokens, everybody may do all; else send a token: `Authorization: Bearer TOKEN`. A token of the scope `read` may ask, one of `operate` may also change.',
      license: LICENSE,
    },
    servers: [
      { url: '/', description: 'The server that this document comes from.' },
      {
        url: 'http://127.0.0.1:7400',
        description: 'The local stack, unless `plimsoll up` has printed another address.',
      },
    ],
    security: [{ token: [] }, { session: [] }],
    tags: [
      { name: 'Jobs', description: 'Jobs of any kind: they load, retry, embed, prune, relocate, forget and delete.' },
      { name: 'Loads', description: 'A load is a job that brings a folder into a dataset.' },
      { name: 'Schedules', description: 'Loads that are repeated.' },
      { name: 'Limits', description: 'How fast embedding may be.' },
      { name: 'Datasets' },
      { name: 'Samples' },
      { name: 'Duplicates' },
      { name: 'Search', description: 'Samples that are near to words, a picture, a vector or a sample.' },
      { name: 'Events', description: 'Server-sent events.' },
      { name: 'Sources and models', description: 'What loads may name.' },
      { name: 'Server' },
    ],
  });
  for (const [path, item] of Object.entries(document.paths ?? {}))
    if (path.startsWith('/api/')) describeUnchanged(item.get as Described | undefined);
  for (const schema of Object.values(document.components?.schemas ?? {})) wordDefaults(schema);
  return document;
}

interface Described {
  parameters?: object[];
  responses: Record<string, { content?: object; description: string }>;
}

/** Adds what api/http/etags.ts does to each operation that reads JSON. */
function describeUnchanged(operation: Described | undefined): void {
  const content = operation?.responses[200]?.content;
  if (operation === undefined || content === undefined || !('application/json' in content)) return;
  operation.parameters = [...(operation.parameters ?? []), IF_NONE_MATCH];
  operation.responses[304] = {
    description: 'It is what the caller has: `If-None-Match` names the `ETag` of the answer.',
  };
}

const IF_NONE_MATCH = {
  name: 'if-none-match',
  in: 'header',
  required: false,
  description: 'The `ETag` of an answer before.',
  schema: { type: 'string' },
};

/**
 * Moves the defaults of bodies from the keyword into the description. openapi-typescript takes a field that has a
 * default for one that must be sent.
 */
function wordDefaults(node: unknown, areFields = false): void {
  if (typeof node !== 'object' || node === null) return;
  if (!areFields && 'default' in node) {
    const schema = node as { default?: unknown; description?: string };
    schema.description = `${schema.description ?? ''} \`${JSON.stringify(schema.default)}\` if left out.`.trim();
    delete schema.default;
  }
  for (const [key, inner] of Object.entries(node)) wordDefaults(inner, key === 'properties' && !areFields);
}

export type OpenApiDocument = ReturnType<typeof openApiDocument>;
