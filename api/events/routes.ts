import { createRoute } from '@hono/zod-openapi';
import { withLiveCounts } from '../../core/jobs/read-status.ts';
import { statusOf } from '../../core/jobs/status.ts';
import type { ApiContext } from '../context.ts';
import { GUARDED, problems, STORED } from '../http/answers.ts';
import { newRouter } from '../http/new-router.ts';
import { workflowEnded } from '../loads/workflow-ended.ts';
import { eventHeaders, eventsQuery } from '../schemas/events.ts';
import { jobParameter } from '../schemas/parameters.ts';
import type { Scope } from '../schemas/server.ts';
import type { Change } from './changes.ts';
import { parseEventId } from './event-id.ts';
import { readThenListen } from './read-then-listen.ts';
import { createRenderer, type Rendered } from './render.ts';
import { createStreams, STREAM_HEADERS, type Streams } from './streams.ts';

const stream = (description: string) => ({
  description,
  content: { 'text/event-stream': { schema: { type: 'string' as const } } },
});

const loadEvents = createRoute({
  method: 'get',
  path: '/api/loads/{job}/events',
  tags: ['Events'],
  summary: "A job's progress as it happens",
  description:
    'Server-sent events: `load` with a Load, now and after each change; when the job has ended, `end`, and the stream ends. A client that connects again with the ID of the last event of a job that has ended gets 204, which tells browsers to stay away.',
  request: { params: jobParameter, headers: eventHeaders },
  responses: {
    200: stream('Events.'),
    204: { description: 'The job has ended, and the caller has seen its end.' },
    ...problems(
      'InvalidParameter',
      'JobNotFound',
      'AmbiguousJob',
      'TooManyStreams',
      'TemporalUnavailable',
      ...GUARDED,
      ...STORED,
    ),
  },
});

const allEvents = createRoute({
  method: 'get',
  path: '/api/events',
  tags: ['Events'],
  summary: 'What happens, as it happens',
  description:
    'Server-sent events: `load` with a Load for each job that is under way, then for each that changes; `dataset` with a Dataset for each that changes; `dataset_removed`. After a reconnect with `Last-Event-ID`, what ended or changed since is told first.',
  request: { query: eventsQuery, headers: eventHeaders },
  responses: {
    200: stream('Events.'),
    ...problems('InvalidParameter', 'TooManyStreams', ...GUARDED, ...STORED),
  },
});

/** A clock that was set back, and writes that were under way when the last event was sent. */
const RESUME_SLACK_MS = 10_000;
const MOST_AT_FIRST = 200;

export function eventRoutes(context: ApiContext): { router: ReturnType<typeof newRouter>; streams: Streams } {
  const { backends, changes, settings } = context;
  const { client } = backends;
  const roots = settings.sourceRoots ?? [];
  const render = createRenderer(roots);
  const streams = createStreams({ most: settings.maxStreams });
  const router = newRouter();

  router.openapi(loadEvents, async (c) => {
    const scope = c.get('scope') as Scope;
    const last = parseEventId(c.req.valid('header')['last-event-id']);
    const read = () => client.status(c.req.valid('param').job);
    return readThenListen(changes, read, (now, { begin, stop }) => {
      const first = render({ kind: 'load', dataset: now.dataset, status: now }, scope);
      const seen = last?.hash === first.news;
      const over = seen && now.finished_at !== null;
      if (over || c.req.method === 'HEAD') {
        stop();
        return over ? c.body(null, 204) : c.body(null, 200, STREAM_HEADERS);
      }
      return streams.answer(c, (feed) => {
        let told = seen ? first.news : '';
        const show = ({ event, load, news }: Rendered) => {
          if (news === told) return;
          told = news;
          feed.send('load', event);
          if (load === undefined || load.finished_at === null) return;
          void workflowEnded(client, now).then(() => {
            feed.send('end', { name: 'end', text: '{}' });
            feed.end();
          });
        };
        show(first);
        begin((change) => {
          if (change.kind === 'load' && change.status.job_id === now.job_id) show(render(change, scope));
        });
        return stop;
      });
    });
  });

  router.openapi(allEvents, async (c) => {
    const scope = c.get('scope') as Scope;
    const { dataset } = c.req.valid('query');
    if (c.req.method === 'HEAD') return c.body(null, 200, STREAM_HEADERS);
    const last = parseEventId(c.req.valid('header')['last-event-id']);
    const since = last === undefined ? undefined : new Date(last.sentMs - RESUME_SLACK_MS);
    const read = () => present(context, dataset, since);
    return readThenListen(changes, read, (first, { begin, stop }) =>
      streams.answer(c, (feed) => {
        const told = new Map<string, string>();
        const show = (change: Change) => {
          if (dataset !== undefined && change.dataset !== dataset) return;
          const { key, event, load, news } = render(change, scope);
          if (load !== undefined) {
            if (told.get(load.job_id) === news) return;
            if (load.finished_at === null) told.set(load.job_id, news);
            else told.delete(load.job_id);
          }
          feed.send(key, event);
        };
        for (const change of first) show(change);
        begin(show);
        return stop;
      }),
    );
  });

  return { router, streams };
}

/** The jobs that are under way, and what ended or changed since a time. */
async function present(
  { backends }: ApiContext,
  dataset: string | undefined,
  since: Date | undefined,
): Promise<Change[]> {
  const { store } = backends.client;
  const ofDataset = dataset === undefined ? {} : { dataset_id: dataset };
  const changed = since === undefined ? [] : [{ finished_at: { $gte: since } }];
  const loads = await store.jobs
    .find({ ...ofDataset, $or: [{ finished_at: { $exists: false } }, ...changed] })
    .sort({ started_at: -1 })
    .limit(MOST_AT_FIRST)
    .toArray();
  const now = new Date();
  const statuses = await Promise.all(loads.map(async (load) => statusOf(await withLiveCounts(store, load), now)));
  const documents =
    since === undefined
      ? []
      : await store.datasets
          .find({ ...(dataset === undefined ? {} : { _id: dataset }), last_modified_at: { $gte: since } })
          .limit(MOST_AT_FIRST)
          .toArray();
  return [
    ...statuses.reverse().map((status) => ({ kind: 'load' as const, dataset: status.dataset, status })),
    ...documents.map((document) => ({ kind: 'dataset' as const, dataset: document._id, document })),
  ];
}
