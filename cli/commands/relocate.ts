import type { Command } from 'commander';
import type { IfRunning } from '../../client/if-running.ts';
import { hasScheme } from '../../core/folders.ts';
import { folder } from '../arguments.ts';
import { START_EXIT_CODES_HELP } from '../exit-code.ts';
import { type CommonOptions, dataDirOption, jsonOption } from '../options.ts';
import { createOutput } from '../output.ts';
import { ifRunningOption } from '../starting/job-options.ts';

interface RelocateOptions extends CommonOptions {
  from: string;
  to: string;
  ifRunning: IfRunning;
  wait?: boolean;
}

export function addRelocateCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('relocate')
    .summary('follow files that were moved to another folder')
    .description(
      'Gives the samples of a folder that was moved their new paths. They keep their numbers, tags and vectors. ' +
        'Prints the job ID and returns at once.',
    )
    .argument('<dataset>', "the dataset's name")
    .requiredOption('--from <folder>', 'where the files were: a source of the dataset, or a folder below one', folder)
    .requiredOption('--to <folder>', 'where the files are now', folder)
    .addOption(ifRunningOption('if a job of it is running: fail, return it if it is this relocate, or cancel it first'))
    .option('--wait', 'wait until it is done, and say how many samples were moved')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Move the files first, then relocate, then load the new folder once: the load
finds what else has changed. Nothing is moved if a sample has one of the new
paths already, or if the files are not there.

With --json: {"job_id", "workflow_id", "dataset", "attached"}; with --wait, once
the job is over, what "plimsoll status --json" prints, with moved {samples}.
${START_EXIT_CODES_HELP}

Examples:
  plimsoll relocate photos --from /mnt/old/photos --to /mnt/new/photos --wait
  plimsoll relocate photos --from ./photos/2023 --to ./archive/2023`,
    )
    .action(async (dataset: string, options: RelocateOptions) => end(await relocate(dataset, options)));
}

async function relocate(dataset: string, options: RelocateOptions): Promise<number> {
  const [{ withClient }, { checkFolder }, { finishStart }] = await Promise.all([
    import('../connection.ts'),
    import('../starting/check-folder.ts'),
    import('../starting/finish-start.ts'),
  ]);
  const output = createOutput(options);
  const { from, to, ifRunning } = options;
  return withClient({ dataDir: options.data }, async (client, servers) => {
    if (!hasScheme(to)) await checkFolder(to, servers, output);
    const job = await client.relocate({ dataset, from, to }, { ifRunning });
    return finishStart(job, options, { client, servers, output });
  });
}
