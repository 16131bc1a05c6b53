import type { Command } from 'commander';
import type { IfRunning } from '../../client/if-running.ts';
import { START_EXIT_CODES_HELP } from '../exit-code.ts';
import { type CommonOptions, dataDirOption, jsonOption } from '../options.ts';
import { createOutput } from '../output.ts';
import { ifRunningOption } from '../starting/job-options.ts';
import { counted } from '../terminal/quantities.ts';

interface PruneOptions extends CommonOptions {
  dryRun?: boolean;
  ifRunning: IfRunning;
  wait?: boolean;
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
    .addOption(ifRunningOption('if a job of it is running: fail, return it if it is a prune, or cancel it first'))
    .option('--wait', 'wait until it is done, and say what was removed')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
To see them: plimsoll samples DATASET --status missing. That status is as old as
the last load, so a prune looks for each file again and keeps the samples whose
files are back, for the next load. It also keeps those of a source that is not
there, as when a disk is not mounted, and says what to do: mount it, "plimsoll
relocate" if it moved, or "plimsoll forget" if it is gone for good. A file that
comes back later becomes a new sample.

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
  const [{ withClient }, { finishStart }] = await Promise.all([
    import('../connection.ts'),
    import('../starting/finish-start.ts'),
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
    return finishStart(job, options, { client, servers, output });
  });
}
