import type { JobStatus } from '../../contract/job.ts';
import type { Job } from '../schemas/jobs.ts';
import type { Scope } from '../schemas/server.ts';
import { shownModel, shownPath, shownSource, withoutPaths } from './paths.ts';

/** A job's status as the caller may see it: without read of a path of this machine beyond a folder's last name. */
export function presentJob(status: JobStatus, scope: Scope, roots: readonly string[] = []): Job {
  if (scope === 'operate') return status;
  const { request, ...rest } = status;
  const named = [request.source, request.model].filter((path) => typeof path === 'string');
  const folders = [...roots, ...named];
  const shown = { ...withoutPaths(rest, folders), request: shownRequest(request) };
  // Each is a path and nothing else, so it can be shown whole where it is below one of the folders.
  for (const name of ['unreadable_folders', 'outside_links'] as const) {
    const paths = rest.phases.indexing[name]?.map((path) => shownPath(path, folders));
    if (paths !== undefined) shown.phases.indexing[name] = paths;
  }
  return shown;
}

/** What nobody has looked at is not shown: an option that is added later may hold what a reader must not see. */
const SHOWN = [
  'dataset',
  'embed',
  'max_failed_percent',
  'embed_task_queue',
  'embed_at',
  'embed_window',
  'priority',
  'fairness_key',
  'fairness_weight',
];

/** A request as a caller of read scope may see it. */
export function shownRequest(request: Record<string, unknown>): Record<string, unknown> {
  const { source, model, webhooks } = request;
  return {
    ...Object.fromEntries(Object.entries(request).filter(([name]) => SHOWN.includes(name))),
    ...(typeof source === 'string' ? { source: shownSource(source, 'read') } : {}),
    ...(typeof model === 'string' ? { model: shownModel(model, 'read') } : {}),
    ...(Array.isArray(webhooks) ? { webhooks: webhooks.map(shownWebhook) } : {}),
  };
}

/** The address of many a hook is its secret: who knows it may post to it. */
function shownWebhook({ url, events }: { url?: unknown; events?: unknown }): object {
  return {
    url: typeof url === 'string' ? (URL.parse(url)?.origin ?? null) : null,
    ...(events === undefined ? {} : { events }),
  };
}
