import type { Command } from 'commander';
import type { ConnectedClient } from '../../client/connect.ts';
import type { IfRunning } from '../../client/if-running.ts';
import type { ForgetSourceRequest } from '../../contract/inputs.ts';
import { folder } from '../arguments.ts';
import { EXIT, START_EXIT_CODES_HELP } from '../exit-code.ts';
import { UsageError } from '../failure.ts';
import { type CommonOptions, dataDirOption, jsonOption } from '../options.ts';
import { createOutput, type Output } from '../output.ts';
import { ifRunningOption } from '../starting/job-options.ts';
import { canAsk, confirm } from '../terminal/confirm.ts';
import { printable } from '../terminal/printable.ts';
import { counted } from '../terminal/quantities.ts';

interface ForgetOptions extends CommonOptions {
  source: string;
  yes?: boolean;
  dryRun?: boolean;
  ifRunning: IfRunning;
  wait?: boolean;
}

export function addForgetCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('forget')
    .summary('drop what lay below a folder that is gone')
    .description(
      'Asks, and removes the samples of a dataset that lie below a folder, with their vectors and tags. ' +
        'The files stay. Prints the job ID and returns at once.',
    )
    .argument('<dataset>', "the dataset's name")
    .requiredOption('--source <folder>', 'a source of the dataset, or a folder below one; it need not be there', folder)
    .option('--yes', 'do not ask; required where there is no terminal')
    .option('--dry-run', 'remove nothing; only say how much it would be')
    .addOption(ifRunningOption('if a job of it is running: fail, return it if it is this forget, or cancel it first'))
    .option('--wait', 'wait until it is done, and say what was removed')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
All samples below the folder are removed, whether their files are there or not;
"plimsoll prune" removes only those whose files are gone. A schedule that still
loads the folder brings its files back as new samples.

With --json: {"job_id", "workflow_id", "dataset", "attached"}; with --dry-run
{"dataset", "dry_run", "samples", "vectors", "schedules"}; with --wait, once the
job is over, what "plimsoll status --json" prints, with removed {samples,
vectors}.
${START_EXIT_CODES_HELP}

Examples:
  plimsoll forget photos --source /mnt/old --dry-run
  plimsoll forget photos --source /mnt/old
  plimsoll forget photos --source /mnt/old --yes --wait`,
    )
    .action(async (dataset: string, options: ForgetOptions) => end(await forget(dataset, options)));
}

async function forget(dataset: string, options: ForgetOptions): Promise<number> {
  const asks = options.yes !== true && options.dryRun !== true;
  if (asks && !canAsk()) {
    throw new UsageError("A forget can't be undone, and there is no terminal to ask on. To go ahead, add --yes.");
  }
  const [{ withClient }, { finishStart }] = await Promise.all([
    import('../connection.ts'),
    import('../starting/finish-start.ts'),
  ]);
  const output = createOutput(options);
  const request = { dataset, source: options.source };
  return withClient({ dataDir: options.data }, async (client, servers) => {
    if (options.dryRun) {
      const { samples, vectors, schedules } = await client.countForget(request);
      output.result({ dataset, dry_run: true, samples, vectors, schedules }, () => [
        `A forget would remove ${counted(samples, 'sample')} and ${counted(vectors, 'vector')} of ${dataset}.`,
        ...schedules.map(bringsBack),
      ]);
      return EXIT.ok;
    }
    if (asks && !(await isConfirmed(client, request, output))) {
      output.note('Nothing was removed.');
      return EXIT.failed;
    }
    const job = await client.forget(request, { ifRunning: options.ifRunning });
    return finishStart(job, options, { client, servers, output });
  });
}

async function isConfirmed(client: ConnectedClient, request: ForgetSourceRequest, output: Output): Promise<boolean> {
  const { samples, vectors, schedules } = await client.countForget(request);
  for (const name of schedules) output.note(bringsBack(name));
  const what = `${counted(samples, 'sample')} with ${counted(vectors, 'vector')} and all tags`;
  return confirm(`Remove ${what}, below ${printable(request.source)}?`);
}

const bringsBack = (schedule: string) => `The schedule ${schedule} loads it, and would bring the files back.`;
