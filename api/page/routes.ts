import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serveStatic } from '@hono/node-server/serve-static';
import { type Context, Hono, type Next } from 'hono';
import type { ApiEnv } from '../context.ts';
import type { ApiSettings } from '../settings.ts';

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Plimsoll</title><link rel="stylesheet" href="/api/docs/styles.css"><h1>Plimsoll</h1><p>The page has not been built: <code>npm run build:web</code>. The HTTP API is there: <a href="/api/docs">its reference</a>.</p></html>`;

/** Says how long a file may be kept. `serveStatic` calls its `onFound` when the answer is made, which is too late. */
const cached = (control: string) => async (c: Context<ApiEnv>, next: Next) => {
  await next();
  if (c.res.ok) c.header('Cache-Control', control);
};

/** Serves the built page's files, and the page itself at each of its own paths. */
export function pageRoutes({ webFolder }: Pick<ApiSettings, 'webFolder'>): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  if (webFolder !== undefined) {
    // Asset names contain a hash of their content.
    const forGood = cached('public, max-age=31536000, immutable');
    app.get('/assets/*', forGood, serveStatic({ root: webFolder, precompressed: true }));
    for (const file of ['/favicon.svg', '/favicon.ico', '/icon.svg', '/manifest.webmanifest', '/robots.txt'])
      app.get(file, cached('no-cache'), serveStatic({ root: webFolder }));
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
