import { basename } from 'node:path';
import type { JobStatus } from '../../contract/job.ts';
import type { Job } from '../schemas/jobs.ts';
import type { Scope } from '../schemas/server.ts';
import { shownModel, shownPath, shownSource, withoutPaths } from './paths.ts';

/** Presents a job's status. Callers of read scope see only the last name of each folder. */
export function presentJob(status: JobStatus, scope: Scope, roots: readonly string[] = []): Job {
  if (scope === 'operate') return status;
  const { request, ...rest } = status;
  const named = [request.source, request.from, request.to, request.target, request.model].filter(
    (path) => typeof path === 'string',
  );
  const folders = [...roots, ...named];
  const shown = { ...withoutPaths(rest, folders), request: shownRequest(request) };
  // These fields hold only a path, so a path below a known folder can be shown from that folder's name on.
  for (const name of ['unreadable_folders', 'outside_links'] as const) {
    const paths = rest.phases.indexing[name]?.map((path) => shownPath(path, folders));
    if (paths !== undefined) shown.phases.indexing[name] = paths;
  }
  // Files of an artifact lie anywhere, so only their names are shown.
  const { annotations, artifact, imported } = rest;
  if (annotations !== undefined && shown.annotations !== undefined) {
    shown.annotations.paths = annotations.paths.map(({ path, format }) => ({ path: lastName(path), format }));
    const files = annotations.invalid_named.map(({ file }) => lastName(file));
    // Messages hold values of the file.
    shown.annotations.invalid_named = shown.annotations.invalid_named.map((each, i) => ({
      ...each,
      file: files[i] ?? '',
      message: '',
    }));
    shown.annotations.without_sample_names = annotations.without_sample_names.map((name) => lastName(name));
  }
  if (imported !== undefined) {
    const unknown_names = imported.unknown_names.map((name) => lastName(name));
    // Messages hold values of the file.
    const invalid_named = imported.invalid_named.map((each) => ({ ...each, message: '' }));
    shown.imported = { ...imported, path: basename(imported.path), unknown_names, invalid_named };
  }
  if (artifact === undefined) return shown;
  const { path, index_path } = artifact;
  const names = { path: basename(path), ...(index_path === undefined ? {} : { index_path: basename(index_path) }) };
  return { ...shown, artifact: { ...artifact, ...names } };
}

/** The last part of a name of any system. */
const lastName = (name: string) => name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);

/** Request fields shown to callers of read scope. A new option stays hidden until it is reviewed and added here. */
const SHOWN = [
  'dataset',
  'embed',
  'media',
  'chunks',
  'threshold',
  'format',
  'images',
  'field',
  'task',
  'max_failed_percent',
  'embed_task_queue',
  'embed_at',
  'embed_window',
  'priority',
  'fairness_key',
  'fairness_weight',
];

/** Request fields that name folders. */
const FOLDERS = ['source', 'from', 'to', 'target'];

/** Presents a request to a caller of read scope. */
export function shownRequest(request: Record<string, unknown>): Record<string, unknown> {
  const { model, webhooks } = request;
  const folders = Object.entries(request).filter(
    ([name, value]) => FOLDERS.includes(name) && typeof value === 'string',
  );
  return {
    ...Object.fromEntries(Object.entries(request).filter(([name]) => SHOWN.includes(name))),
    ...Object.fromEntries(folders.map(([name, folder]) => [name, shownSource(String(folder), 'read')])),
    ...(typeof model === 'string' ? { model: shownModel(model, 'read') } : {}),
    ...(Array.isArray(webhooks) ? { webhooks: webhooks.map(shownWebhook) } : {}),
  };
}

/** Hides the path of a webhook URL, because many receivers accept any post to a secret URL. */
function shownWebhook({ url, events }: { url?: unknown; events?: unknown }): object {
  return {
    url: typeof url === 'string' ? (URL.parse(url)?.origin ?? null) : null,
    ...(events === undefined ? {} : { events }),
  };
}
