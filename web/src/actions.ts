import { ProblemError, request } from './api/request.ts';
import type {
  Dataset,
  ExportRequest,
  Folders,
  Job,
  JobPage,
  KeptOne,
  RemovalPreview,
  Schedule,
  StartedJob,
  Tagged,
  TagRequest,
  UsedModel,
} from './api/shapes.ts';
import { datasetPath } from './state/route.ts';

const jobUrl = (job: string) => `/api/jobs/${encodeURIComponent(job)}`;

export const startLoad = (body: Record<string, unknown>) => request<StartedJob>('/api/loads', { method: 'POST', body });

/**
 * Refuses a folder that a load would fail with. Other trouble is left for the load to tell: what matters is what its
 * worker sees.
 * @throws ProblemError FolderNotFound
 */
export async function requireFolder(path: string): Promise<void> {
  try {
    await request<Folders>('/api/sources/folders', { query: new URLSearchParams({ path }) });
  } catch (error) {
    if (!(error instanceof ProblemError) || error.code !== 'FolderNotFound') return;
    const message = `There is no folder ${path} that can be read.`;
    throw new ProblemError(error.status, {
      code: error.code,
      detail: message,
      errors: [{ in: 'body', field: 'source', message }],
    });
  }
}

/** The request of a job, or of the last load of a dataset. A dataset may outlive the records of its loads. */
export async function readRequest(query: URLSearchParams): Promise<Record<string, unknown> | undefined> {
  const [job, dataset] = [query.get('again'), query.get('dataset')];
  if (job !== null) return (await readJob(job)).request;
  if (dataset === null) return undefined;
  const { jobs } = await request<JobPage>('/api/jobs', {
    query: new URLSearchParams({ dataset, kind: 'load', limit: '1' }),
  });
  if (jobs[0] !== undefined) return jobs[0].request;
  const { sources } = await request<Dataset>(`/api${datasetPath(dataset)}`);
  return { dataset, source: sources[0] };
}

export const pauseJob = (job: string) => request<Job>(`${jobUrl(job)}/pause`, { method: 'POST', body: {} });
export const resumeJob = (job: string) => request<Job>(`${jobUrl(job)}/resume`, { method: 'POST', body: {} });
export const cancelJob = (job: string) => request<Job>(`${jobUrl(job)}/cancel`, { method: 'POST', body: {} });
/** Starts a job that retries what the named job could not read or embed. */
export const retryFailed = (job: string) => request<StartedJob>(`${jobUrl(job)}/retry`, { method: 'POST', body: {} });
export const readJob = (job: string, signal?: AbortSignal) => request<Job>(jobUrl(job), { signal });

const scheduleUrl = (name: string) => `/api/schedules/${encodeURIComponent(name)}`;
const change = (name: string, verb: string, body: Record<string, unknown> = {}) =>
  request<Schedule>(`${scheduleUrl(name)}/${verb}`, { method: 'POST', body });

export const createSchedule = (body: Record<string, unknown>) =>
  request<Schedule>('/api/schedules', { method: 'POST', body });
export const pauseSchedule = (name: string, reason: string) => change(name, 'pause', reason === '' ? {} : { reason });
export const resumeSchedule = (name: string) => change(name, 'resume');
/** Triggers a schedule. Its last run is then the triggered one. */
export const triggerSchedule = (name: string) => change(name, 'trigger');
export const deleteSchedule = (name: string) => request<void>(scheduleUrl(name), { method: 'DELETE' });

const datasetUrl = (dataset: string) => `/api${datasetPath(dataset)}`;
export const embedDataset = (dataset: string, model: string) =>
  request<StartedJob>(`${datasetUrl(dataset)}/embed`, { method: 'POST', body: model === '' ? {} : { model } });
export const pruneDataset = (dataset: string) =>
  request<StartedJob>(`${datasetUrl(dataset)}/prune`, { method: 'POST', body: {} });
export const relocateDataset = (dataset: string, from: string, to: string) =>
  request<StartedJob>(`${datasetUrl(dataset)}/relocate`, { method: 'POST', body: { from, to } });
/** Reads what a forget would remove, and which schedules would bring it back, without doing so. */
export const previewForget = (dataset: string, source: string) =>
  request<RemovalPreview>(`${datasetUrl(dataset)}/forget`, {
    method: 'POST',
    body: { source },
    query: new URLSearchParams({ dry_run: 'true' }),
  });
export const forgetSource = (dataset: string, source: string) =>
  request<StartedJob>(`${datasetUrl(dataset)}/forget`, { method: 'POST', body: { source } });
/** Reads what a deletion would remove and pause, without doing so. */
export const previewDeletion = (dataset: string) =>
  request<RemovalPreview>(datasetUrl(dataset), { method: 'DELETE', query: new URLSearchParams({ dry_run: 'true' }) });
export const deleteDataset = (dataset: string) => request<StartedJob>(datasetUrl(dataset), { method: 'DELETE' });

/** Starts to write a dataset to a folder. */
export const exportDataset = (dataset: string, body: ExportRequest) =>
  request<StartedJob>(`${datasetUrl(dataset)}/export`, { method: 'POST', body: { ...body } });

/** Starts a search for samples whose vectors have a cosine of at least `threshold`. */
export const findDuplicates = (dataset: string, threshold: number) =>
  request<StartedJob>(`${datasetUrl(dataset)}/duplicates`, { method: 'POST', body: { threshold } });

/** Tags all members of each group but the best one. Returns how many have the tag. */
export async function tagAllButOne(dataset: string, body: { tag: string; kind?: 'exact' | 'near' }): Promise<number> {
  let tagged = 0;
  let cursor: string | null = null;
  do {
    const kept: KeptOne = await request(`${datasetUrl(dataset)}/duplicates/keep-one`, {
      method: 'POST',
      body: cursor === null ? body : { ...body, cursor },
    });
    tagged += kept.tagged;
    cursor = kept.next;
  } while (cursor !== null);
  return tagged;
}

const modelUrl = (dataset: string, key: string) => `${datasetUrl(dataset)}/models/${encodeURIComponent(key)}`;
/** Lets a model serve searches from now on. */
export const useModel = (dataset: string, model: string) =>
  request<UsedModel>(`${datasetUrl(dataset)}/serving`, { method: 'PUT', body: { model } });
/** Reads what a drop would remove, and which schedules would bring it back, without doing so. */
export const previewDrop = (dataset: string, key: string) =>
  request<RemovalPreview>(modelUrl(dataset, key), {
    method: 'DELETE',
    query: new URLSearchParams({ dry_run: 'true' }),
  });
export const dropModel = (dataset: string, key: string) =>
  request<StartedJob>(modelUrl(dataset, key), { method: 'DELETE' });
/** Builds the search index of the model that serves. */
export const indexVectors = (dataset: string, kind: string) =>
  request<StartedJob>(`${datasetUrl(dataset)}/index`, { method: 'POST', body: { kind } });

/** Tags any number of samples. A filter is applied in steps until none are left. Returns how many were changed. */
export async function tagSamples(dataset: string, body: TagRequest): Promise<number> {
  let modified = 0;
  let after: number | null = null;
  do {
    const tagged: Tagged = await request(`${datasetUrl(dataset)}/tags`, {
      method: 'POST',
      body: after === null ? body : { ...body, after },
    });
    modified += tagged.modified;
    after = tagged.next;
  } while (after !== null);
  return modified;
}
