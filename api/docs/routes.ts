import { Hono } from 'hono';
import type { ApiEnv } from '../context.ts';
import type { OpenApiDocument } from '../document.ts';
import { referencePage } from './reference-page.ts';
import { STYLES } from './styles.ts';

/** Serves the OpenAPI document and a reference page without scripts or external resources. */
export function docsRoutes(document: OpenApiDocument): Hono<ApiEnv> {
  const json = JSON.stringify(document);
  const page = referencePage(document);
  const kept = { 'Cache-Control': 'no-cache' };
  return new Hono<ApiEnv>()
    .get('/api/openapi.json', (c) => c.body(json, 200, { ...kept, 'Content-Type': 'application/json' }))
    .get('/api/docs', (c) => c.html(page, 200, kept))
    .get('/api/docs/styles.css', (c) => c.body(STYLES, 200, { ...kept, 'Content-Type': 'text/css; charset=utf-8' }));
}
