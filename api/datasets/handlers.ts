import type { Job } from '../../client/find-job.ts';
import { findDataset } from '../../core/store/list-samples.ts';
import type { ApiContext } from '../context.ts';
import { newRouter } from '../http/new-router.ts';
import { requireModel } from '../models/models.ts';
import { presentDataset } from '../present/dataset.ts';
import * as routes from './routes.ts';

const MOST_DATASETS = 1000;

export function datasetRoutes({ backends, settings, tagCounts }: ApiContext) {
  const { client } = backends;
  const { store } = client;
  const router = newRouter();

  router.openapi(routes.listRoute, async (c) => {
    const found = await store.datasets.find().sort({ _id: 1 }).limit(MOST_DATASETS).toArray();
    const scope = c.get('scope') ?? 'read';
    return c.json({ datasets: found.map((document) => presentDataset(document, scope)) }, 200);
  });

  router.openapi(routes.getRoute, async (c) => {
    const document = await findDataset(store, c.req.valid('param').dataset);
    return c.json(presentDataset(document, c.get('scope') ?? 'read'), 200);
  });

  router.openapi(routes.deleteRoute, async (c) =>
    c.json(jobOf(await client.deleteDataset(c.req.valid('param').dataset)), 202),
  );

  router.openapi(routes.pruneRoute, async (c) => c.json(jobOf(await client.prune(c.req.valid('param').dataset)), 202));

  router.openapi(routes.embedRoute, async (c) => {
    const request = c.req.valid('json');
    await requireModel(request.model, settings.modelFolders);
    return c.json(jobOf(await client.startEmbedding({ ...request, dataset: c.req.valid('param').dataset })), 202);
  });

  router.openapi(routes.tagsRoute, async (c) => {
    const { dataset } = c.req.valid('param');
    await findDataset(store, dataset);
    return c.json({ tags: await tagCounts(dataset) }, 200);
  });

  return router;
}

const jobOf = ({ job_id, workflow_id, dataset }: Job) => ({ job_id, workflow_id, dataset });
