import type { SearchRequest } from '../../contract/search.ts';
import { UserError } from '../../core/errors.ts';
import { getDataset } from '../../core/store/datasets.ts';
import type { ApiContext } from '../context.ts';
import { isPicture } from '../http/body.ts';
import { newRouter } from '../http/new-router.ts';
import { withoutPaths } from '../present/paths.ts';
import { presentSample } from '../present/sample.ts';
import { problemOf } from '../problem/to-problem.ts';
import { storeFilter } from '../samples/filter.ts';
import type { SampleFilter } from '../schemas/samples.ts';
import type { Hits, SearchOrder } from '../schemas/search.ts';
import type { Scope } from '../schemas/server.ts';
import * as routes from './routes.ts';
import { createUploads } from './uploads.ts';

interface Caller {
  scope: Scope;
  signal: AbortSignal;
}

type Asked = Omit<SearchRequest, 'filter'> & {
  annotations: boolean;
  filter: { [K in keyof SampleFilter]?: SampleFilter[K] | undefined };
};

export function searchRoutes({ backends, searcher }: ApiContext) {
  const { store } = backends.client;
  const withUpload = createUploads();
  const router = newRouter();

  async function search({ filter, annotations, ...request }: Asked, { scope, signal }: Caller): Promise<Hits> {
    const dataset = await getDataset(store, request.dataset);
    const { sources } = dataset;
    try {
      const narrowed = { ...request, filter: storeFilter(filter, sources, scope) };
      const { answer, samples } = await searcher.searchSamples(narrowed, { signal, dataset, annotations });
      return {
        ...answer,
        // A sample may have been removed since.
        hits: answer.hits.flatMap((hit) => {
          const found = samples.get(hit.seq);
          if (found === undefined) return [];
          const sample = presentSample(found, sources, scope);
          return [{ ...hit, filepath: sample.filepath, sample }];
        }),
      };
    } catch (error) {
      if (signal.aborted) throw problemOf('Overloaded', 'The caller has left before the answer.');
      // The message may name a file of a model.
      if (scope === 'read' && error instanceof UserError)
        throw new UserError(error.code, withoutPaths(error.message, sources), { cause: error, fields: error.fields });
      throw error;
    }
  }

  router.openapi(routes.searchRoute, async (c) => {
    const { dataset } = c.req.valid('param');
    const caller = { scope: c.get('scope') ?? 'read', signal: c.req.raw.signal };
    if (isPicture(c)) {
      const { model, limit, cursor, annotations, ...filter } = c.req.valid('query');
      return c.json(
        await withUpload(c, (picture) =>
          search({ dataset, picture, model, limit, cursor, annotations, filter }, caller),
        ),
        200,
      );
    }
    if (Object.keys(c.req.query()).length > 0)
      throw problemOf('InvalidParameter', 'Parameters go with a picture. Put them into the body of a search in JSON.');
    // The type is that of all bodies; pictures are not validated.
    const { filter = {}, ...request } = c.req.valid('json') as SearchOrder;
    return c.json(await search({ dataset, ...request, filter }, caller), 200);
  });

  router.openapi(routes.similarRoute, async (c) => {
    const { dataset, seq } = c.req.valid('param');
    const { model, limit, cursor, annotations, ...filter } = c.req.valid('query');
    const caller = { scope: c.get('scope') ?? 'read', signal: c.req.raw.signal };
    return c.json(await search({ dataset, sample: seq, model, limit, cursor, annotations, filter }, caller), 200);
  });

  return router;
}
