import { type DuplicateGroup as FoundGroup, readGroups } from '../../core/search/duplicates/read-groups.ts';
import { getDataset } from '../../core/store/datasets.ts';
import type { ApiContext } from '../context.ts';
import { newRouter } from '../http/new-router.ts';
import { startAs, started } from '../jobs/start-as.ts';
import { presentSample } from '../present/sample.ts';
import type { DuplicateGroup } from '../schemas/duplicates.ts';
import type { Scope } from '../schemas/server.ts';
import * as routes from './routes.ts';

export function duplicateRoutes({ backends, tagCounts }: ApiContext) {
  const { client } = backends;
  const router = newRouter();

  router.openapi(routes.startRoute, async (c) => {
    const request = { ...c.req.valid('json'), dataset: c.req.valid('param').dataset };
    return started(
      c,
      await startAs(c, client, c.req.valid('query'), (options) => client.findDuplicates(request, options)),
    );
  });

  router.openapi(routes.listRoute, async (c) => {
    const document = await getDataset(client.store, c.req.valid('param').dataset);
    const scope = c.get('scope') ?? 'read';
    const { run, groups, next } = await readGroups(client.store, document, c.req.valid('query'));
    return c.json(
      {
        run: run === undefined ? null : { ...run, finished_at: run.finished_at.toISOString() },
        groups: groups.map((group) => presentGroup(group, document.sources, scope)),
        next,
      },
      200,
    );
  });

  router.openapi(routes.keepOneRoute, async (c) => {
    const { dataset } = c.req.valid('param');
    const tagged = await client.tagDuplicates(dataset, c.req.valid('json'));
    // The caller will read the tags next and must find the added ones.
    tagCounts.forget(dataset);
    return c.json(tagged, 200);
  });

  return router;
}

function presentGroup(
  { group, kind, size, members }: FoundGroup,
  sources: readonly string[],
  scope: Scope,
): DuplicateGroup {
  return {
    group,
    kind,
    size,
    members: members.map(({ sample, score, same_content, keep }) => ({
      ...presentSample(sample, sources, scope),
      score,
      same_content,
      keep,
    })),
  };
}
