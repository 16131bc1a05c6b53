import type { CleanupFilter } from '../../client/cleanup.ts';
import { countUndelivered, listUndelivered } from '../../client/undelivered.ts';
import { hasReached } from '../../client/wait.ts';
import { isOver, type JobStatus } from '../../contract/job.ts';
import type { ApiContext } from '../context.ts';
import { newRouter } from '../http/new-router.ts';
import { requireModel } from '../models/models.ts';
import { presentJob } from '../present/job.ts';
import { presentUndelivered } from '../present/undelivered.ts';
import type { Scope } from '../schemas/server.ts';
import { awaitStatus } from './await-status.ts';
import { readFailures } from './failures.ts';
import * as routes from './routes.ts';
import { startAs, started } from './start-as.ts';

/** Each is asked of Temporal by itself. */
const MOST_UNDELIVERED = 20;

export function jobRoutes(context: ApiContext) {
  const { backends, settings } = context;
  const { client } = backends;
  const present = (status: JobStatus, scope: Scope | null) =>
    presentJob(status, scope ?? 'read', settings.sourceRoots ?? []);
  const router = newRouter();

  router.openapi(routes.listRoute, async (c) => {
    const { jobs, next } = await client.jobs(definedOf(c.req.valid('query')));
    return c.json({ jobs: jobs.map((status) => present(status, c.get('scope'))), next }, 200);
  });

  router.openapi(routes.cleanupRoute, async (c) => {
    const { older_than, dry_run, ...rest } = c.req.valid('query');
    const filter: CleanupFilter = { ...definedOf(rest), before: new Date(Date.now() - older_than) };
    const result = await (dry_run ? client.findCleanup(filter) : client.cleanup(filter));
    return c.json({ dry_run, ...result }, 200);
  });

  router.openapi(routes.getRoute, async (c) =>
    c.json(present(await client.status(c.req.valid('param').job), c.get('scope')), 200),
  );

  router.openapi(routes.waitRoute, async (c) => {
    const { for: milestone, timeout } = c.req.valid('query');
    const reached = (status: JobStatus) => isOver(status) || hasReached(status, milestone);
    const status = await awaitStatus(context, c.req.valid('param').job, {
      reached,
      timeoutMs: timeout * 1000,
      signal: c.req.raw.signal,
    });
    return c.json({ reached: reached(status), job: present(status, c.get('scope')) }, 200);
  });

  router.openapi(routes.pauseRoute, async (c) =>
    c.json(present(await client.pause(c.req.valid('param').job), c.get('scope')), 200),
  );

  router.openapi(routes.resumeRoute, async (c) =>
    c.json(present(await client.resume(c.req.valid('param').job), c.get('scope')), 200),
  );

  router.openapi(routes.cancelRoute, async (c) => {
    const { reason } = c.req.valid('json');
    const status = await client.cancel(c.req.valid('param').job, reason === undefined ? {} : { reason });
    return c.json(present(status, c.get('scope')), 200);
  });

  router.openapi(routes.retryRoute, async (c) => {
    const changes = c.req.valid('json');
    await requireModel(changes.model, settings.modelFolders);
    const { job } = c.req.valid('param');
    return started(c, await startAs(c, client, c.req.valid('query'), (options) => client.retry(job, changes, options)));
  });

  router.openapi(routes.failuresRoute, async (c) => {
    const status = await client.status(c.req.valid('param').job);
    const page = await readFailures(client.store, status, c.req.valid('query'), c.get('scope') ?? 'read');
    return c.json(page, 200);
  });

  router.openapi(routes.webhooksRoute, async (c) => {
    const { job_id } = await client.status(c.req.valid('param').job);
    const [undelivered, messages] = await Promise.all([
      countUndelivered(client.temporal, job_id),
      listUndelivered(client.temporal, job_id, MOST_UNDELIVERED),
    ]);
    return c.json(
      { undelivered, messages: messages.map((one) => presentUndelivered(one, c.get('scope') ?? 'read')) },
      200,
    );
  });

  return router;
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

const definedOf = <T extends object>(query: T): Defined<T> =>
  Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as Defined<T>;
