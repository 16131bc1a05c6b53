import type { Command } from 'commander';
import { folder } from '../arguments.ts';
import { START_EXIT_CODES_HELP } from '../exit-code.ts';
import { dataDirOption, jsonOption } from '../options.ts';
import { ifRunningOption } from '../starting/job-options.ts';
import { type Removal, type RemovalOptions, removeAfterAsking } from '../starting/remove-after-asking.ts';
import { printable } from '../terminal/printable.ts';
import { counted } from '../terminal/quantities.ts';

interface ForgetOptions extends RemovalOptions {
  source: string;
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

function forget(dataset: string, options: ForgetOptions): Promise<number> {
  const request = { dataset, source: options.source };
  const removal: Removal = {
    dataset,
    name: 'A forget',
    refusal: 'Nothing was removed.',
    preview: (client) => client.countForget(request),
    previewLines: ({ samples, vectors, schedules }) => [
      `A forget would remove ${counted(samples, 'sample')} and ${counted(vectors, 'vector')} of ${dataset}.`,
      ...schedules.map(bringsBack),
    ],
    warnings: ({ schedules }) => schedules.map(bringsBack),
    question({ samples, vectors }) {
      const what = `${counted(samples, 'sample')} with ${counted(vectors, 'vector')} and all tags`;
      return `Remove ${what}, below ${printable(request.source)}?`;
    },
    start: (client, how) => client.forget(request, how),
  };
  return removeAfterAsking(removal, options);
}

const bringsBack = (schedule: string) => `The schedule ${schedule} loads it, and would bring the files back.`;
