import { type Command, Option } from 'commander';
import type { CleanupResult } from '../../client/cleanup.ts';
import { FINAL_STATES, type JobState } from '../../contract/job.ts';
import { age, oneOf } from '../arguments.ts';
import { type CommonOptions, dataDirOption, jsonOption } from '../options.ts';
import { createOutput, type Output } from '../output.ts';

interface CleanupOptions extends CommonOptions {
  olderThan: number;
  dryRun?: boolean;
  dataset?: string;
  state?: JobState[];
  lost?: boolean;
}

export function addCleanupCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('cleanup')
    .summary('remove the records of old jobs')
    .description(
      'Removes the records of jobs that ended long ago, and what belongs to them. Datasets, samples and vectors stay, and so do jobs that have not ended.',
    )
    .addOption(
      new Option('--older-than <span>', 'jobs that ended longer ago than this: 30d, 12h, 1h30m')
        .argParser(age)
        .makeOptionMandatory(),
    )
    .option('--dry-run', 'only show what would be removed')
    .option('--dataset <name>', 'only jobs of this dataset')
    .addOption(
      new Option(
        '--state <state>',
        `only jobs that ended in this state; repeat for more (${FINAL_STATES.join(', ')})`,
      ).argParser(oneOf(FINAL_STATES)),
    )
    .option('--lost', 'also jobs with no end on record that this Temporal server does not know')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
A job whose workflow was terminated on Temporal ended at that time. The record
of a dataset's latest job may go as well: the dataset does not need it.

PLIMSOLL_JOB_RETENTION=90d, set for the indexing workers, does this by itself.

With --json: {"before", "dry_run", "jobs": [{"job_id", "dataset", "kind",
"state", "finished_at"}], "lost": [job IDs without an end on record]}.

Examples:
  plimsoll cleanup --older-than 30d --dry-run
  plimsoll cleanup --older-than 30d
  plimsoll cleanup --older-than 7d --state failed --state canceled`,
    )
    .action(async (options: CleanupOptions) => end(await cleanup(options)));
}

async function cleanup(options: CleanupOptions): Promise<number> {
  const { olderThan, dataset, state, lost, dryRun: dry_run = false } = options;
  const { withClient } = await import('../connection.ts');
  const output = createOutput(options);
  const filter = {
    before: new Date(Date.now() - olderThan),
    ...(dataset === undefined ? {} : { dataset }),
    ...(state === undefined ? {} : { state }),
    ...(lost === undefined ? {} : { lost }),
  };
  return withClient({ dataDir: options.data }, async (client) => {
    const result = await (dry_run ? client.findCleanup(filter) : client.cleanup(filter));
    const lines = output.json || result.jobs.length === 0 ? [] : await linesOf(result, output);
    output.result({ dry_run, ...result }, () => lines);
    if (output.json) return 0;
    const { counted } = await import('../terminal/quantities.ts');
    const removed = result.jobs.length + (lost ? result.lost.length : 0);
    output.note(
      `${dry_run ? 'Would remove' : 'Removed'} the ${removed === 1 ? 'record' : 'records'} of ${counted(removed, 'job')}.`,
    );
    if (result.lost.length > 0 && !lost) {
      output.note(
        `${counted(result.lost.length, 'old job')} left alone: no end is on record, and this Temporal server does not know the workflow; another may. --lost removes them.`,
      );
    }
    return 0;
  });
}

async function linesOf({ jobs }: CleanupResult, { paint }: Output): Promise<string[]> {
  const [{ columns }, { printable }, { ago }] = await Promise.all([
    import('../terminal/columns.ts'),
    import('../terminal/printable.ts'),
    import('../terminal/quantities.ts'),
  ]);
  const heads = ['JOB', 'KIND', 'DATASET', 'STATE', 'ENDED'].map((title) => ({ title }));
  const rows = jobs.map(({ job_id, kind, dataset, state, finished_at }) => [
    job_id,
    kind,
    printable(dataset),
    state,
    ago(finished_at),
  ]);
  return columns(heads, rows, paint);
}
