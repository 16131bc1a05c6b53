/** The view that a URL shows. */
export type Route =
  | { view: 'datasets' }
  | { view: 'dataset'; dataset: string; seq: number | null }
  | { view: 'duplicates'; dataset: string }
  | { view: 'jobs' }
  | { view: 'job'; job: string }
  | { view: 'new-load' }
  | { view: 'schedules' }
  | { view: 'new-schedule' }
  | { view: 'unknown'; path: string };

export function routeOf(path: string): Route {
  const [first, second, third, fourth, ...more] = path
    .split('/')
    .filter((part) => part !== '')
    .map(decoded);
  if (more.length > 0) return { view: 'unknown', path };
  if (first === undefined || (first === 'datasets' && second === undefined)) return { view: 'datasets' };
  if (first === 'datasets' && second !== undefined) {
    if (third === undefined) return { view: 'dataset', dataset: second, seq: null };
    if (third === 'duplicates' && fourth === undefined) return { view: 'duplicates', dataset: second };
    if (third === 'samples' && /^\d{1,15}$/.test(fourth ?? ''))
      return { view: 'dataset', dataset: second, seq: Number(fourth) };
  }
  if (first === 'jobs' && third === undefined) {
    return second === undefined ? { view: 'jobs' } : { view: 'job', job: second };
  }
  if (first === 'loads' && second === 'new' && third === undefined) return { view: 'new-load' };
  if (first === 'schedules' && third === undefined) {
    if (second === undefined) return { view: 'schedules' };
    if (second === 'new') return { view: 'new-schedule' };
  }
  return { view: 'unknown', path };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const datasetPath = (dataset: string) => `/datasets/${encodeURIComponent(dataset)}`;
export const samplePath = (dataset: string, seq: number) => `${datasetPath(dataset)}/samples/${seq}`;
export const duplicatesPath = (dataset: string) => `${datasetPath(dataset)}/duplicates`;
export const jobPath = (job: string) => `/jobs/${encodeURIComponent(job)}`;
/** The form of a load as a job, or the last load of a dataset, was started with. */
export const againPath = (job: string) => `/loads/new?${new URLSearchParams({ again: job })}`;
export const datasetAgainPath = (dataset: string) => `/loads/new?${new URLSearchParams({ dataset })}`;
