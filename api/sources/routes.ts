import { homedir } from 'node:os';
import { basename } from 'node:path';
import { createRoute } from '@hono/zod-openapi';
import type { ApiContext } from '../context.ts';
import { GUARDED, json, problems } from '../http/answers.ts';
import { newRouter } from '../http/new-router.ts';
import { folders, foldersQuery, sources } from '../schemas/server.ts';
import { listFolders } from './list-folders.ts';

const tags = ['Sources and models'];

const sourcesRoute = createRoute({
  method: 'get',
  path: '/api/sources',
  operationId: 'listSources',
  tags,
  summary: 'Folders to choose a source from',
  responses: { 200: json(sources, 'The folders.'), ...problems('ScopeMissing', ...GUARDED) },
});

const foldersRoute = createRoute({
  method: 'get',
  path: '/api/sources/folders',
  operationId: 'listFolders',
  tags,
  summary: 'The folders in a folder',
  description: 'Of a source root or below one, as this server sees it, after resolving links.',
  request: { query: foldersQuery },
  responses: {
    200: json(folders, 'The folders.'),
    ...problems('InvalidParameter', 'ScopeMissing', 'SourceOutsideRoots', 'FolderNotFound', ...GUARDED),
  },
});

export function sourceRoutes({ settings, media }: Pick<ApiContext, 'settings' | 'media'>) {
  const router = newRouter();
  router.openapi(sourcesRoute, (c) => {
    const { sourceRoots } = settings;
    const roots = sourceRoots ?? [...new Set([process.cwd(), homedir()])];
    return c.json(
      { restricted: sourceRoots !== undefined, roots: roots.map((path) => ({ path, name: basename(path) || '/' })) },
      200,
    );
  });
  router.openapi(foldersRoute, async (c) =>
    c.json(await listFolders(c.req.valid('query').path, settings.sourceRoots, media), 200),
  );
  return router;
}
