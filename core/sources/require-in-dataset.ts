import { UserError } from '../errors.ts';
import { isInOrBelow } from '../folders.ts';
import { sourcesOf } from '../store/datasets.ts';
import { type DatasetFolder, hasSamplesBelow } from '../store/samples-below.ts';
import type { Store } from '../store/store.ts';

/**
 * Refuses a folder that holds nothing of a dataset: no sample lies below it, and no source is or lies below it. The
 * folder itself need not be there.
 *
 * @throws UserError FolderNotInDataset
 */
export async function requireInDataset(store: Store, { datasetId, folder }: DatasetFolder): Promise<void> {
  const sources = await sourcesOf(store, datasetId);
  if (sources.some((source) => isInOrBelow(source, folder))) return;
  if (await hasSamplesBelow(store, { datasetId, folder })) return;
  throw new UserError(
    'FolderNotInDataset',
    `No sample of ${datasetId} lies below ${folder}. Nothing was changed. ` +
      (sources.length === 0 ? 'The dataset has no sources.' : `Its sources: ${sources.join(', ')}.`),
  );
}
