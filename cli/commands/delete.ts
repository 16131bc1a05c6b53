import type { Command } from 'commander';
import { START_EXIT_CODES_HELP } from '../exit-code.ts';
import { dataDirOption, jsonOption } from '../options.ts';
import { ifRunningOption } from '../starting/job-options.ts';
import { type Removal, type RemovalOptions, removeAfterAsking } from '../starting/remove-after-asking.ts';
import { counted } from '../terminal/quantities.ts';

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
    .action(async (dataset: string, options: RemovalOptions) => end(await deleteDataset(dataset, options)));
}

function deleteDataset(dataset: string, options: RemovalOptions): Promise<number> {
  const removal: Removal = {
    dataset,
    name: 'A deletion',
    refusal: 'Nothing was deleted.',
    preview: (client) => client.countDelete(dataset),
    previewLines: ({ samples, vectors, schedules }) => [
      `Deleting ${dataset} would remove ${counted(samples, 'sample')} and ${counted(vectors, 'vector')}.`,
      ...(schedules.length > 0 ? [`It would pause ${inWords(schedules)}, which would load it again.`] : []),
    ],
    warnings: ({ schedules }) =>
      schedules.length > 0 ? [`This pauses ${inWords(schedules)}, which would load it again.`] : [],
    question: ({ samples, vectors }) =>
      `Delete ${dataset}, ${counted(samples, 'sample')} and ${counted(vectors, 'vector')}?`,
    start: (client, how) => client.deleteDataset(dataset, how),
  };
  return removeAfterAsking(removal, options);
}

const inWords = (schedules: readonly string[]) =>
  `the schedule${schedules.length > 1 ? 's' : ''} ${schedules.join(', ')}`;
