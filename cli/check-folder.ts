import { stat } from 'node:fs/promises';
import { systemErrorCode, UserError } from '../core/errors.ts';
import { checkSource } from '../core/jobs/begin.ts';
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
    await checkSource(source).catch((error: unknown) => {
      throw hereInWords(source, error);
    });
    return;
  }
  const here = await stat(source).catch(() => undefined);
  if (here === undefined)
    output.note(`note: ${printable(source)} is not on this machine; the indexing workers need it on theirs.`);
}

/** A worker's words for the folder, as they are said on the machine that both are on. */
function hereInWords(source: string, error: unknown): unknown {
  if (!(error instanceof UserError)) return error;
  const { code, cause } = error;
  const isGone = code === 'SourceNotFound' && systemErrorCode(cause) === 'ENOENT';
  const message = isGone ? `There is no folder ${source}.` : error.message.replace(/^source: /, '');
  return new UserError(code, message, { cause });
}
