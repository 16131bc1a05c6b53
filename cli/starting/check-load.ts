import type { LoadDatasetRequest } from '../../contract/inputs.ts';
import { chooseMedium } from '../../core/indexing/choose-medium.ts';
import { knownMedia } from '../../core/media/registry.ts';
import { folderSource } from '../../core/sources/folder/folder-source.ts';
import { findDataset } from '../../core/store/datasets.ts';
import type { Store } from '../../core/store/store.ts';
import type { Output } from '../output.ts';
import type { ServerSettings } from '../servers.ts';
import { checkFolder, noteFolder } from './check-folder.ts';
import { checkModel } from './check-model.ts';
import { checkWebhooks } from './check-webhooks.ts';

/**
 * Checks what only the servers and this machine can tell of a load, before it is started or scheduled.
 *
 * @param named whether the user named the dataset
 * @throws UserError as checkFolder, checkModel and checkWebhooks do; MediumUnclear
 */
export async function checkLoad(
  request: LoadDatasetRequest,
  { store, servers, output, named }: { store: Store; servers: ServerSettings; output: Output; named: boolean },
): Promise<void> {
  await checkFolder(request.source, servers, output);
  await checkModel(request, servers, await checkMedium(request, store, servers));
  await checkWebhooks(request.webhooks, servers, output);
  await noteFolder(store, request, { named, note: output.note });
}

/**
 * Asks which medium is meant, if the folder does not say it and no dataset has it. Returns its name; undefined if only
 * the workers can tell.
 */
async function checkMedium(
  request: LoadDatasetRequest,
  store: Store,
  servers: Pick<ServerSettings, 'local'>,
): Promise<string | undefined> {
  const known = request.media ?? (await findDataset(store, request.dataset))?.media_type;
  if (!servers.local || known !== undefined) return known;
  const { include = [], exclude = [], hidden = false, source } = request;
  return (await chooseMedium(knownMedia(), folderSource(), source, { include, exclude, hidden, reread: false })).name;
}
