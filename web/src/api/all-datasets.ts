import { request } from './request.ts';
import type { Dataset, DatasetList } from './shapes.ts';

/** All datasets, read in pages. */
export async function allDatasets(signal: AbortSignal): Promise<Dataset[]> {
  const all: Dataset[] = [];
  const query = new URLSearchParams({ limit: '1000' });
  for (;;) {
    const { datasets, next } = await request<DatasetList>('/api/datasets', { query, signal });
    all.push(...datasets);
    if (next === null) return all;
    query.set('cursor', next);
  }
}
