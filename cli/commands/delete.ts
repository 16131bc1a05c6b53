import type { Command } from 'commander';
import type { ConnectedClient } from '../../client/connect.ts';
import type { IfRunning } from '../../client/if-running.ts';
import { EXIT, START_EXIT_CODES_HELP } from '../exit-code.ts';
import { UsageError } from '../failure.ts';
import { type CommonOptions, dataDirOption, jsonOption } from '../options.ts';
import { createOutput, type Output } from '../output.ts';
import { ifRunningOption } from '../starting/job-options.ts';
import { canAsk, confirm } from '../terminal/confirm.ts';
import { counted } from '../terminal/quantities.ts';

interface DeleteOptions extends CommonOptions {
  yes?: boolean;
  dryRun?: boolean;
  ifRunning: IfRunning;
  wait?: boolean;
}

export function addDeleteCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('delete')
    .summary('delete a dataset, its samples and its vectors')
    .description(
      'Asks, and deletes a dataset with its samples and vectors. Files and job records stay. Prints the job ID and returns at once.',
    )
    .argument('<dataset>', "the dataset's name")
    .option('--yes', 'do not ask; required where there is no terminal')
    .option('--dry-run', 'delete nothing; only say how much it would be')
    .addOption(ifRunningOption('if a job of it is running: fail, return it if it is a deletion, or cancel it first'))
    .option('--wait', 'wait until it is done, and say what was removed')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Running embeddings of the dataset are canceled, and schedules that load it are
paused. Once a deletion has begun, no other job can begin on the dataset, and it
can't be undone; if it was canceled half-way, delete again to complete it.

With --json: {"job_id", "workflow_id", "dataset", "attached"}; with --dry-run
{"dataset", "dry_run", "samples", "vectors", "schedules"}; with --wait, once the
job is over, what "plimsoll status --json" prints, with removed {samples,
vectors}.
${START_EXIT_CODES_HELP}

Examples:
  plimsoll delete photos
  plimsoll delete photos --yes --wait
  plimsoll delete photos --yes --if-running replace`,
    )
    .action(async (dataset: string, options: DeleteOptions) => end(await deleteDataset(dataset, options)));
}

async function deleteDataset(dataset: string, options: DeleteOptions): Promise<number> {
  const asks = options.yes !== true && options.dryRun !== true;
  if (asks && !canAsk()) {
    throw new UsageError("A deletion can't be undone, and there is no terminal to ask on. To go ahead, add --yes.");
  }
  const [{ withClient }, { finishStart }] = await Promise.all([
    import('../connection.ts'),
    import('../starting/finish-start.ts'),
  ]);
  const output = createOutput(options);
  return withClient({ dataDir: options.data }, async (client, servers) => {
    if (options.dryRun) {
      const { samples, vectors, schedules } = await client.countDelete(dataset);
      output.result({ dataset, dry_run: true, samples, vectors, schedules }, () => [
        `Deleting ${dataset} would remove ${counted(samples, 'sample')} and ${counted(vectors, 'vector')}.`,
        ...(schedules.length > 0 ? [`It would pause ${inWords(schedules)}, which would load it again.`] : []),
      ]);
      return EXIT.ok;
    }
    if (asks && !(await isConfirmed(client, dataset, output))) {
      output.note('Nothing was deleted.');
      return EXIT.failed;
    }
    const job = await client.deleteDataset(dataset, { ifRunning: options.ifRunning });
    return finishStart(job, options, { client, servers, output });
  });
}

async function isConfirmed(client: ConnectedClient, dataset: string, output: Output): Promise<boolean> {
  const { samples, vectors, schedules } = await client.countDelete(dataset);
  if (schedules.length > 0) output.note(`This pauses ${inWords(schedules)}, which would load it again.`);
  return confirm(`Delete ${dataset}, ${counted(samples, 'sample')} and ${counted(vectors, 'vector')}?`);
}

const inWords = (schedules: readonly string[]) =>
  `the schedule${schedules.length > 1 ? 's' : ''} ${schedules.join(', ')}`;
