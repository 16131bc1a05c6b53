import { createRoute } from '@hono/zod-openapi';
import { isOver } from '../../contract/job.ts';
import { statusNow } from '../../core/jobs/read-status.ts';
import { changedSince } from '../../core/store/datasets.ts';
import { openOrEndedSince } from '../../core/store/jobs.ts';
import type { ApiContext } from '../context.ts';
import { GUARDED, problems, STORED } from '../http/answers.ts';
import { newRouter } from '../http/new-router.ts';
import { workflowEnded } from '../jobs/workflow-ended.ts';
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

const jobEvents = createRoute({
  method: 'get',
  path: '/api/jobs/{job}/events',
  operationId: 'followJob',
  tags: ['Events'],
  summary: "A job's progress as it happens",
  description:
    'Server-sent events: `job` with a Job, now and after each change; when the job has ended, `end`, and the stream ends. A client that connects again with the ID of the last event of a job that has ended gets 204, which tells browsers to stay away.',
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
  operationId: 'followEvents',
  tags: ['Events'],
  summary: 'What happens, as it happens',
  description:
    'Server-sent events: `job` with a Job for each job that is under way, then for each that changes; `dataset` with a Dataset for each that changes; `dataset_removed`. After a reconnect with `Last-Event-ID`, what ended or changed since is told first.',
  request: { query: eventsQuery, headers: eventHeaders },
  responses: {
    200: stream('Events.'),
    ...problems('InvalidParameter', 'TooManyStreams', ...GUARDED, ...STORED),
  },
});

/** Overlap that covers a clock that was set back, and writes under way when the last event was sent. */
const RESUME_SLACK_MS = 10_000;
const MOST_AT_FIRST = 200;

export function eventRoutes(context: ApiContext): { router: ReturnType<typeof newRouter>; streams: Streams } {
  const { backends, changes, settings } = context;
  const { client } = backends;
  const roots = settings.sourceRoots ?? [];
  const render = createRenderer(roots);
  const streams = createStreams({ most: settings.maxStreams });
  const router = newRouter();

  router.openapi(jobEvents, async (c) => {
    const scope = c.get('scope') as Scope;
    const last = parseEventId(c.req.valid('header')['last-event-id']);
    const read = () => client.status(c.req.valid('param').job);
    return readThenListen(changes, read, (now, { begin, stop }) => {
      const first = render({ kind: 'job', dataset: now.dataset, status: now }, scope);
      const seen = last?.hash === first.news;
      const over = seen && isOver(now);
      if (over || c.req.method === 'HEAD') {
        stop();
        return over ? c.body(null, 204) : c.body(null, 200, STREAM_HEADERS);
      }
      return streams.answer(c, (feed) => {
        let told = seen ? first.news : '';
        const show = ({ event, job, news }: Rendered) => {
          if (news === told) return;
          told = news;
          feed.send('job', event);
          if (job === undefined || !isOver(job)) return;
          void workflowEnded(client, now).then(() => {
            feed.send('end', { name: 'end', text: '{}' });
            feed.end();
          });
        };
        show(first);
        begin((change) => {
          if (change.kind === 'job' && change.status.job_id === now.job_id) show(render(change, scope));
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
          const { key, event, job, news } = render(change, scope);
          if (job !== undefined) {
            if (told.get(job.job_id) === news) return;
            if (!isOver(job)) told.set(job.job_id, news);
            else told.delete(job.job_id);
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

/** Reads the open jobs, and the jobs and datasets that ended or changed since a time. */
async function present(
  { backends }: ApiContext,
  dataset: string | undefined,
  since: Date | undefined,
): Promise<Change[]> {
  const { store } = backends.client;
  const jobs = await openOrEndedSince(store, { datasetId: dataset, since, limit: MOST_AT_FIRST });
  const statuses = await Promise.all(jobs.map((job) => statusNow(store, job)));
  const documents =
    since === undefined ? [] : await changedSince(store, { datasetId: dataset, since, limit: MOST_AT_FIRST });
  return [
    ...statuses.reverse().map((status) => ({ kind: 'job' as const, dataset: status.dataset, status })),
    ...documents.map((document) => ({ kind: 'dataset' as const, dataset: document._id, document })),
  ];
}
