import { getDataset } from '../../core/store/datasets.ts';
import type { ApiContext } from '../context.ts';
import { newRouter } from '../http/new-router.ts';
import { startAs, started } from '../jobs/start-as.ts';
import { requireModel } from '../models/models.ts';
import { presentDataset } from '../present/dataset.ts';
import { presentModels, presentUsed } from '../present/dataset-models.ts';
import { requireAnnotationPlaces, requireSource } from '../sources/require-source.ts';
import { countClassesOf } from './count-classes.ts';
import { keepForAWhile } from './keep.ts';
import { listDatasets } from './list-datasets.ts';
import * as routes from './routes.ts';

export function datasetRoutes({ backends, media, settings, sources, tagCounts }: ApiContext) {
  const { client } = backends;
  const { store } = client;
  const router = newRouter();
  // Counting reads every annotated sample.
  const classCounts = keepForAWhile((dataset) => countClassesOf(store, dataset));
  const here = { media, modelFolders: settings.modelFolders };

  router.openapi(routes.listRoute, async (c) => {
    const scope = c.get('scope') ?? 'read';
    const { documents, next } = await listDatasets(store, c.req.valid('query'));
    return c.json({ datasets: documents.map((document) => presentDataset(document, scope)), next }, 200);
  });

  router.openapi(routes.getRoute, async (c) => {
    const document = await getDataset(store, c.req.valid('param').dataset);
    return c.json(presentDataset(document, c.get('scope') ?? 'read'), 200);
  });

  router.openapi(routes.deleteRoute, async (c) => {
    const { dataset } = c.req.valid('param');
    const { dry_run, ...query } = c.req.valid('query');
    if (dry_run) return c.json({ dataset, dry_run, ...(await client.countDelete(dataset)) }, 200);
    return started(c, await startAs(c, client, query, (options) => client.deleteDataset(dataset, options)));
  });

  router.openapi(routes.pruneRoute, async (c) => {
    const { dataset } = c.req.valid('param');
    const { dry_run, ...query } = c.req.valid('query');
    if (dry_run) return c.json({ dataset, dry_run, ...(await client.countPrune(dataset)) }, 200);
    return started(c, await startAs(c, client, query, (options) => client.prune(dataset, options)));
  });

  router.openapi(routes.relocateRoute, async (c) => {
    const request = { ...c.req.valid('json'), dataset: c.req.valid('param').dataset };
    await requireSource(request.to, { sources, roots: settings.sourceRoots }, 'to');
    return started(c, await startAs(c, client, c.req.valid('query'), (options) => client.relocate(request, options)));
  });

  router.openapi(routes.forgetRoute, async (c) => {
    const { dataset } = c.req.valid('param');
    const request = { ...c.req.valid('json'), dataset };
    const { dry_run, ...query } = c.req.valid('query');
    if (dry_run) return c.json({ dataset, dry_run, ...(await client.countForget(request)) }, 200);
    return started(c, await startAs(c, client, query, (options) => client.forget(request, options)));
  });

  router.openapi(routes.annotateRoute, async (c) => {
    const { dataset } = c.req.valid('param');
    const request = { ...c.req.valid('json'), dataset };
    await requireAnnotationPlaces(request.annotations, { sources, roots: settings.sourceRoots });
    return started(c, await startAs(c, client, c.req.valid('query'), (options) => client.annotate(request, options)));
  });

  router.openapi(routes.exportRoute, async (c) => {
    const request = { ...c.req.valid('json'), dataset: c.req.valid('param').dataset };
    await requireSource(request.target, { sources, roots: settings.sourceRoots }, 'target');
    return started(
      c,
      await startAs(c, client, c.req.valid('query'), (options) => client.exportDataset(request, options)),
    );
  });

  router.openapi(routes.importRoute, async (c) => {
    const { dataset } = c.req.valid('param');
    const request = { ...c.req.valid('json'), dataset };
    const rules = { sources, roots: settings.sourceRoots };
    await requireSource(request.path, rules, 'path');
    if (request.samples !== undefined) await requireSource(request.samples, rules, 'samples');
    return started(
      c,
      await startAs(c, client, c.req.valid('query'), (options) => client.importVectors(request, options)),
    );
  });

  router.openapi(routes.classesRoute, async (c) => {
    const { dataset } = c.req.valid('param');
    return c.json(await classCounts(dataset), 200);
  });

  router.openapi(routes.embedRoute, async (c) => {
    const request = { ...c.req.valid('json'), dataset: c.req.valid('param').dataset };
    await requireModel(request.model, settings.modelFolders);
    return started(
      c,
      await startAs(c, client, c.req.valid('query'), (options) => client.startEmbedding(request, options)),
    );
  });

  router.openapi(routes.modelsRoute, async (c) => {
    const { dataset } = c.req.valid('param');
    return c.json(await presentModels(dataset, await client.models(dataset), here), 200);
  });

  router.openapi(routes.servingRoute, async (c) => {
    const { dataset } = c.req.valid('param');
    const used = await client.useModel(dataset, c.req.valid('json').model);
    return c.json(await presentUsed(dataset, used, here), 200);
  });

  router.openapi(routes.indexRoute, async (c) => {
    const request = { ...c.req.valid('json'), dataset: c.req.valid('param').dataset };
    return started(
      c,
      await startAs(c, client, c.req.valid('query'), (options) => client.indexVectors(request, options)),
    );
  });

  router.openapi(routes.dropRoute, async (c) => {
    const { dataset, key } = c.req.valid('param');
    const { dry_run, ...query } = c.req.valid('query');
    if (dry_run) return c.json({ dataset, dry_run, ...(await client.countDrop(dataset, key)) }, 200);
    return started(c, await startAs(c, client, query, (options) => client.dropModel(dataset, key, options)));
  });

  router.openapi(routes.tagsRoute, async (c) => {
    const { dataset } = c.req.valid('param');
    await getDataset(store, dataset);
    return c.json({ tags: await tagCounts(dataset) }, 200);
  });

  return router;
}
