import { UserError } from '../errors.ts';
import { isBelow } from '../folders.ts';
import { devicesOf } from '../store/jobs.ts';
import type { Store } from '../store/store.ts';
import type { Sources } from './source.ts';

/** Whether a root can be read and is on the disk that its last load found it on, if that disk is on record. */
export async function isAsLoaded(store: Store, sources: Sources, datasetId: string, root: string): Promise<boolean> {
  try {
    await sources.of(root).check(root);
    const device = await lastDevice(store, sources, datasetId, root);
    return device === undefined || device === (await sources.of(root).identity(root));
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

async function lastDevice(
  store: Store,
  sources: Sources,
  datasetId: string,
  root: string,
): Promise<string | undefined> {
  const source = sources.of(root);
  for await (const { kind, source: named, device } of devicesOf(store, datasetId)) {
    if (!source.owns(named)) continue;
    const folder = source.canonical(named);
    // A relocate moves all sources below its folder.
    if (folder === root || (kind === 'relocate' && isBelow(root, folder))) return device;
  }
  return undefined;
}
