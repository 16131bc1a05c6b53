import { resolve } from 'node:path';
import type { Command } from 'commander';
import { dataDirOption, datasetOption, embedOption, jsonOption, numberBetween } from '../arguments.ts';
import { datasetNameOf } from '../dataset-name.ts';
import { START_EXIT_CODES_HELP } from '../exit-code.ts';
import { addStartOptions, IF_RUNNING_HELP, JOB_OPTIONS_HELP, type StartOptions } from '../job-options.ts';
import { createOutput } from '../output.ts';

interface LoadOptions extends StartOptions {
  dataset?: string;
  embed: boolean;
  maxFailedPercent?: number;
  wait?: boolean;
  data?: string;
  json?: boolean;
}

export function addLoadCommand(program: Command, end: (exitCode: number) => void): void {
  const command = program
    .command('load')
    .summary('start a load of a folder, and print its job ID')
    .description(
      'Starts a load of a folder of images into a dataset, prints the job ID and returns at once. Loading a folder again does only what has changed.',
    )
    .argument('<folder>', 'folder of images, at any depth')
    .addOption(datasetOption())
    .addOption(embedOption())
    .option(
      '--max-failed-percent <percent>',
      "fail the load if more of the files than this can't be read",
      numberBetween(0, 100),
    );
  addStartOptions(command)
    .option('--wait', 'show the progress until the end; exit as "plimsoll wait" does')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
With --json: {"job_id", "workflow_id", "dataset", "attached"}; with --wait, once
the load is over, what "plimsoll status --json" prints. Ctrl-C while waiting
leaves the load running.

${JOB_OPTIONS_HELP}

${IF_RUNNING_HELP}

${START_EXIT_CODES_HELP}

Examples:
  plimsoll load ./photos --wait
  plimsoll load /mnt/coco/train2017 --dataset coco --no-embed
  plimsoll load ./photos --model ~/models/my-clip --max-failed-percent 5
  plimsoll load ./photos --embed-window "mon-fri 22:00-06:00"
  plimsoll load ./urgent --priority 1 --webhook https://example.com/hooks
  plimsoll load ./photos --if-running replace
  JOB=$(plimsoll load ./photos) && plimsoll wait "$JOB" --for browsable`,
    )
    .action(async (folder: string, options: LoadOptions) => end(await load(folder, options)));
}

async function load(folder: string, options: LoadOptions): Promise<number> {
  const [
    { withClient },
    { requestOf },
    { checkFolder },
    { checkJobOptions },
    { checkWebhooks },
    { followToEnd },
    { noteAttached },
    { noteSource },
  ] = await Promise.all([
    import('../connection.ts'),
    import('../load-request.ts'),
    import('../check-folder.ts'),
    import('../check-job-options.ts'),
    import('../check-webhooks.ts'),
    import('../follow.ts'),
    import('../note-attached.ts'),
    import('../note-source.ts'),
  ]);
  const output = createOutput(options);
  checkJobOptions(options, output);
  const source = resolve(folder);
  const request = requestOf({ ...options, source, dataset: options.dataset ?? datasetNameOf(source) });
  return withClient({ dataDir: options.data }, async (client, servers) => {
    await checkFolder(source, servers, output);
    await checkWebhooks(request.webhooks, servers, output);
    await noteSource(client.store, request, { named: options.dataset !== undefined, note: output.note });
    const job = await client.startLoad(request, options);
    noteAttached(job, output);
    if (!options.wait) {
      output.result(job, () => [job.job_id]);
      return 0;
    }
    if (!output.json) process.stdout.write(`${job.job_id}\n`);
    return followToEnd(client, servers, job.job_id, output);
  });
}
