import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { systemErrorCode, UserError } from '../../core/errors.ts';
import { folderSource } from '../../core/sources/folder/folder-source.ts';
import { sourcesOf } from '../../core/store/datasets.ts';
import type { Store } from '../../core/store/store.ts';
import type { Output } from '../output.ts';
import type { ServerSettings } from '../servers.ts';
import { printable } from '../terminal/printable.ts';

/**
 * Refuses a folder that the load would fail with. This works only where the workers see the same files as this machine:
 * elsewhere the folder may exist on theirs.
 *
 * @throws UserError SourceNotFound, SourceNotAFolder, SourceUnreadable or SourceEmpty
 */
export async function checkFolder(
  source: string,
  servers: Pick<ServerSettings, 'local'>,
  output: Pick<Output, 'note'>,
): Promise<void> {
  if (servers.local) {
    await folderSource()
      .check(source)
      .catch((error: unknown) => {
        throw asLocalError(source, error);
      });
    return;
  }
  const here = await stat(source).catch(() => undefined);
  if (here === undefined)
    output.note(`note: ${printable(source)} is not on this machine; the indexing workers need it on theirs.`);
}

/** Rewords a worker's error about a folder. The worker does not know that the user is on the same machine. */
function asLocalError(source: string, error: unknown): unknown {
  if (!(error instanceof UserError)) return error;
  const { code, cause } = error;
  const isGone = code === 'SourceNotFound' && systemErrorCode(cause) === 'ENOENT';
  const message = isGone ? `There is no folder ${source}.` : error.message.replace(/^source: /, '');
  return new UserError(code, message, { cause });
}

const MAX_NAMED = 2;

/**
 * Notes what is rarely meant: a load that reads a whole machine or home folder, or adds a folder to the dataset of
 * another.
 */
export async function noteFolder(
  store: Store,
  { dataset, source }: { dataset: string; source: string },
  { named, note }: { named: boolean } & Pick<Output, 'note'>,
): Promise<void> {
  if (source === '/' || source === homedir())
    note(`note: this reads everything below ${source}. To stop it: plimsoll cancel ${dataset}`);
  // A user who names the dataset means that one.
  if (named) return;
  const sources = await sourcesOf(store, dataset);
  if (sources.length === 0 || sources.includes(source)) return;
  const held = sources.slice(0, MAX_NAMED).map(printable).join(', ');
  const more = sources.length > MAX_NAMED ? ` and ${sources.length - MAX_NAMED} more` : '';
  note(
    `note: ${dataset} already holds ${held}${more}; this adds ${printable(source)} to it. For a dataset of its own: --dataset NAME`,
  );
}
