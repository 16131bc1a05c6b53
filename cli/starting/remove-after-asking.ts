import type { ConnectedClient } from '../../client/connect.ts';
import type { IfRunning } from '../../client/if-running.ts';
import type { DeletePreview } from '../../client/previews.ts';
import type { StartedJob, StartOptions } from '../../client/start.ts';
import { EXIT } from '../exit-code.ts';
import { UsageError } from '../failure.ts';
import type { CommonOptions } from '../options.ts';
import { createOutput } from '../output.ts';
import { canAsk, confirm } from '../terminal/confirm.ts';

/** Options of the commands that remove what can't be brought back. */
export interface RemovalOptions extends CommonOptions {
  yes?: boolean;
  dryRun?: boolean;
  ifRunning: IfRunning;
  wait?: boolean;
}

/** A removal, in words and in calls of the client. */
export interface Removal {
  dataset: string;
  /** `A deletion` */
  name: string;
  /** Said after a no. */
  refusal: string;
  preview(client: ConnectedClient): Promise<DeletePreview>;
  previewLines(preview: DeletePreview): string[];
  /** Lines to read before the question. */
  warnings(preview: DeletePreview): string[];
  question(preview: DeletePreview): string;
  start(client: ConnectedClient, options: StartOptions): Promise<StartedJob>;
}

/** Previews a removal with --dry-run. Otherwise asks, unless told not to, and starts it. @throws UsageError */
export async function removeAfterAsking(removal: Removal, options: RemovalOptions): Promise<number> {
  const asks = options.yes !== true && options.dryRun !== true;
  if (asks && !canAsk()) {
    throw new UsageError(
      `${removal.name} can't be undone, and there is no terminal to ask on. To go ahead, add --yes.`,
    );
  }
  const [{ withClient }, { finishStart }] = await Promise.all([
    import('../connection.ts'),
    import('./finish-start.ts'),
  ]);
  const output = createOutput(options);
  return withClient({ dataDir: options.data }, async (client, servers) => {
    if (options.dryRun) {
      const preview = await removal.preview(client);
      output.result({ dataset: removal.dataset, dry_run: true, ...preview }, () => removal.previewLines(preview));
      return EXIT.ok;
    }
    if (asks) {
      const preview = await removal.preview(client);
      for (const line of removal.warnings(preview)) output.note(line);
      if (!(await confirm(removal.question(preview)))) {
        output.note(removal.refusal);
        return EXIT.failed;
      }
    }
    const job = await removal.start(client, { ifRunning: options.ifRunning });
    return finishStart(job, options, { client, servers, output });
  });
}
