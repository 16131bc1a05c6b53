import { request } from './api/request.ts';
import type { Job, Load, Schedule, Tagged, TagRequest } from './api/shapes.ts';
import { datasetPath } from './state/route.ts';

const loadUrl = (job: string) => `/api/loads/${encodeURIComponent(job)}`;

export const startLoad = (body: Record<string, unknown>) => request<Job>('/api/loads', { method: 'POST', body });
export const pauseLoad = (job: string) => request<Load>(`${loadUrl(job)}/pause`, { method: 'POST', body: {} });
export const resumeLoad = (job: string) => request<Load>(`${loadUrl(job)}/resume`, { method: 'POST', body: {} });
export const cancelLoad = (job: string) => request<Load>(`${loadUrl(job)}/cancel`, { method: 'POST', body: {} });
/** A new job, for what the named one could not read or embed. */
export const retryFailed = (job: string) => request<Job>(`${loadUrl(job)}/retry`, { method: 'POST', body: {} });
export const readLoad = (job: string, signal?: AbortSignal) => request<Load>(loadUrl(job), { signal });

const scheduleUrl = (name: string) => `/api/schedules/${encodeURIComponent(name)}`;
const change = (name: string, verb: string, body: Record<string, unknown> = {}) =>
  request<Schedule>(`${scheduleUrl(name)}/${verb}`, { method: 'POST', body });

export const createSchedule = (body: Record<string, unknown>) =>
  request<Schedule>('/api/schedules', { method: 'POST', body });
export const pauseSchedule = (name: string, reason: string) => change(name, 'pause', reason === '' ? {} : { reason });
export const resumeSchedule = (name: string) => change(name, 'resume');
/** Its last run is then the one that was asked for. */
export const triggerSchedule = (name: string) => change(name, 'trigger');
export const deleteSchedule = (name: string) => request<void>(scheduleUrl(name), { method: 'DELETE' });

const datasetUrl = (dataset: string) => `/api${datasetPath(dataset)}`;
export const embedDataset = (dataset: string, model: string) =>
  request<Job>(`${datasetUrl(dataset)}/embed`, { method: 'POST', body: model === '' ? {} : { model } });
export const pruneDataset = (dataset: string) =>
  request<Job>(`${datasetUrl(dataset)}/prune`, { method: 'POST', body: {} });
export const deleteDataset = (dataset: string) => request<Job>(datasetUrl(dataset), { method: 'DELETE' });

/** Tags samples, however many: by filter it goes on until none are left. Returns how many were changed. */
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
