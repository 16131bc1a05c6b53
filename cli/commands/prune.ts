import { type Command, Option } from 'commander';
import type { IfRunning } from '../../client/if-running.ts';
import { dataDirOption, jsonOption } from '../arguments.ts';
import { START_EXIT_CODES_HELP } from '../exit-code.ts';
import { createOutput } from '../output.ts';
import { counted } from '../quantities.ts';

interface PruneOptions {
  dryRun?: boolean;
  ifRunning: IfRunning;
  wait?: boolean;
  data?: string;
  json?: boolean;
}

export function addPruneCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('prune')
    .summary('remove the samples whose files are missing')
    .description(
      'Removes the samples whose files were gone at the last load and still are, with their vectors. Prints the job ID and returns at once.',
    )
    .argument('<dataset>', "the dataset's name")
    .option('--dry-run', 'remove nothing; only say how much it would be')
    .addOption(
      new Option(
        '--if-running <what>',
        'if a job of it is running: fail, return it if it is a prune, or cancel it first',
      )
        .choices(['fail', 'attach', 'replace'] satisfies IfRunning[])
        .default('fail'),
    )
    .option('--wait', 'wait until it is done, and say what was removed')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
To see them: plimsoll samples DATASET --status missing. That status is as old as
the last load, so a prune looks for each file again and keeps the samples whose
files are back, for the next load. It also keeps those of a folder that is not
there, as when a disk is not mounted. A file that comes back later becomes a new
sample.

With --json: {"job_id", "workflow_id", "dataset", "attached"}; with --dry-run
{"dataset", "dry_run", "samples", "vectors"}; with --wait, once the job is over,
what "plimsoll status --json" prints, with removed {samples, vectors, kept};
kept counts samples whose files are back or whose folder is not there
(unreadable_folders), if there are any.
${START_EXIT_CODES_HELP}

Examples:
  plimsoll prune photos --dry-run
  plimsoll prune photos --wait`,
    )
    .action(async (dataset: string, options: PruneOptions) => end(await prune(dataset, options)));
}

async function prune(dataset: string, options: PruneOptions): Promise<number> {
  const [{ withClient }, { followToEnd }, { noteAttached }] = await Promise.all([
    import('../connection.ts'),
    import('../follow.ts'),
    import('../note-attached.ts'),
  ]);
  const output = createOutput(options);
  return withClient({ dataDir: options.data }, async (client, servers) => {
    if (options.dryRun) {
      const { samples, vectors } = await client.countPrune(dataset);
      output.result({ dataset, dry_run: true, samples, vectors }, () => [
        `A prune of ${dataset} would remove ${counted(samples, 'sample')} and ${counted(vectors, 'vector')}.`,
      ]);
      return 0;
    }
    const job = await client.prune(dataset, { ifRunning: options.ifRunning });
    noteAttached(job, output);
    if (!options.wait) {
      output.result(job, () => [job.job_id]);
      return 0;
    }
    if (!output.json) process.stdout.write(`${job.job_id}\n`);
    return followToEnd(client, servers, job.job_id, output);
  });
}
