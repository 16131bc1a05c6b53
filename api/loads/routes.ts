import { createRoute } from '@hono/zod-openapi';
import { loadDatasetInput } from '../../contract/inputs.ts';
import type { ApiContext } from '../context.ts';
import { body, GUARDED, json, KEYED, problems, STORED, WITH_BODY } from '../http/answers.ts';
import { newRouter } from '../http/new-router.ts';
import { startAs, started } from '../jobs/start-as.ts';
import { requireModel } from '../models/models.ts';
import { startedJob, startQuery } from '../schemas/jobs.ts';
import { startHeaders } from '../schemas/parameters.ts';
import { requireLoadPlaces } from '../sources/require-source.ts';

const startRoute = createRoute({
  method: 'post',
  path: '/api/loads',
  operationId: 'startLoad',
  tags: ['Loads'],
  summary: 'Start a load',
  description:
    'Loads a folder below a source root into a dataset. Answers as soon as Temporal has the job; `Location` is where to ask about it.',
  request: { query: startQuery, headers: startHeaders, body: body(loadDatasetInput.meta({ id: 'LoadRequest' })) },
  responses: {
    202: json(startedJob, 'The job.'),
    ...problems(
      ...KEYED,
      'ScopeMissing',
      'SourceOutsideRoots',
      'AlreadyRunning',
      'TemporalUnavailable',
      ...WITH_BODY,
      ...GUARDED,
      ...STORED,
    ),
  },
});

/** Starts loads. A started load is a job like any other; see api/jobs. */
export function loadRoutes({ backends: { client }, settings, sources }: ApiContext) {
  return newRouter().openapi(startRoute, async (c) => {
    const request = c.req.valid('json');
    await requireLoadPlaces(request, { sources, roots: settings.sourceRoots });
    await requireModel(request.model, settings.modelFolders);
    return started(c, await startAs(c, client, c.req.valid('query'), (options) => client.startLoad(request, options)));
  });
}
