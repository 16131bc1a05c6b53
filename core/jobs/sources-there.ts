import { resolve } from 'node:path';
import { UserError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { checkSource, deviceOf } from './begin.ts';

export async function sourcesOf(store: Store, datasetId: string): Promise<string[]> {
  const dataset = await store.datasets.findOne({ _id: datasetId }, { projection: { sources: 1 } });
  return dataset?.sources ?? [];
}

/** Whether a source is a folder that can be read and holds something. */
export async function canBeRead(source: string): Promise<boolean> {
  try {
    await checkSource(source);
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

/** Whether a source can be read, and is on the disk on which its last load found what it holds, as far as that is on record. */
export async function isAsLoaded(store: Store, datasetId: string, source: string): Promise<boolean> {
  if (!(await canBeRead(source))) return false;
  const device = await lastDevice(store, datasetId, source);
  return device === undefined || device === (await deviceOf(source));
}

async function lastDevice(store: Store, datasetId: string, source: string): Promise<string | undefined> {
  const loads = store.jobs
    .find(
      { dataset_id: datasetId, kind: 'load', 'phases.indexing.state': 'completed', source_device: { $exists: true } },
      { projection: { source_device: 1, 'request.source': 1 } },
    )
    .sort({ started_at: -1, _id: -1 });
  for await (const { source_device, request } of loads)
    if (resolve(String(request.source)) === source) return source_device;
  return undefined;
}
