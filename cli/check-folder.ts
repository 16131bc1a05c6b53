import { stat } from 'node:fs/promises';
import { checkSource } from '../core/loads/begin.ts';
import type { Output } from './output.ts';
import { printable } from './printable.ts';
import type { ServerSettings } from './servers.ts';

/**
 * Says at once what the load would fail with. Only where the workers see the same files as we do: elsewhere a folder that
 * is not here may well be there.
 *
 * @throws UserError SourceNotFound, SourceNotAFolder, SourceUnreadable or SourceEmpty
 */
export async function checkFolder(
  source: string,
  servers: Pick<ServerSettings, 'local'>,
  output: Output,
): Promise<void> {
  if (servers.local) {
    await checkSource(source);
    return;
  }
  const here = await stat(source).catch(() => undefined);
  if (here === undefined)
    output.note(`note: ${printable(source)} is not on this machine; the index worker must have it.`);
}
