import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serveStatic } from '@hono/node-server/serve-static';
import { type Context, Hono } from 'hono';
import type { ApiEnv } from '../context.ts';
import type { ApiSettings } from '../settings.ts';

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Plimsoll</title><link rel="stylesheet" href="/api/docs/styles.css"><h1>Plimsoll</h1><p>The page has not been built: <code>npm run build:web</code>. The HTTP API is there: <a href="/api/docs">its reference</a>.</p></html>`;

/** Serves the built page's files, and the page itself at each of its own paths. */
export function pageRoutes({ webFolder }: Pick<ApiSettings, 'webFolder'>): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  if (webFolder !== undefined) {
    // Asset names contain a hash of their content.
    app.get(
      '/assets/*',
      serveStatic({
        root: webFolder,
        onFound: (_path, c) => c.header('Cache-Control', 'public, max-age=31536000, immutable'),
      }),
    );
    for (const file of ['/favicon.svg', '/favicon.ico', '/icon.svg', '/manifest.webmanifest', '/robots.txt'])
      app.get(file, serveStatic({ root: webFolder, onFound: (_path, c) => c.header('Cache-Control', 'no-cache') }));
  }
  const page = async (c: Context<ApiEnv>, status: 200 | 404) => {
    const built =
      webFolder === undefined
        ? undefined
        : await readFile(join(webFolder, 'index.html'), 'utf8').catch(() => undefined);
    return c.html(built ?? NOT_BUILT, status, { 'Cache-Control': 'no-cache' });
  };
  for (const path of ['/', '/datasets', '/datasets/*', '/jobs', '/jobs/*', '/loads/new', '/schedules', '/schedules/*'])
    app.get(path, (c) => page(c, 200));
  // A browser with a mistyped path gets the page, which says so. Programs get a problem.
  app.get('*', (c, next) => {
    const isOurs = !c.req.path.startsWith('/api/') && c.req.header('accept')?.includes('text/html') === true;
    return isOurs ? page(c, 404) : next();
  });
  return app;
}
