import type { LoadDatasetRequest } from '../../contract/inputs.ts';
import type { Store } from '../../core/store/store.ts';
import type { Output } from '../output.ts';
import type { ServerSettings } from '../servers.ts';
import { checkFolder, noteFolder } from './check-folder.ts';
import { checkWebhooks } from './check-webhooks.ts';

/**
 * Checks what only the servers and this machine can tell of a load, before it is started or scheduled.
 *
 * @param named whether the user named the dataset
 * @throws UserError as checkFolder and checkWebhooks do
 */
export async function checkLoad(
  request: LoadDatasetRequest,
  { store, servers, output, named }: { store: Store; servers: ServerSettings; output: Output; named: boolean },
): Promise<void> {
  await checkFolder(request.source, servers, output);
  await checkWebhooks(request.webhooks, servers, output);
  await noteFolder(store, request, { named, note: output.note });
}
