import { resolve } from 'node:path';
import type { Command } from 'commander';
import { START_EXIT_CODES_HELP } from '../exit-code.ts';
import { createOutput } from '../output.ts';
import { datasetNameOf } from '../starting/dataset-name.ts';
import {
  addStartOptions,
  IF_RUNNING_HELP,
  JOB_OPTIONS_HELP,
  type StartCommandOptions,
} from '../starting/job-options.ts';
import { addLoadOptions, type LoadOptions, SELECTION_HELP } from '../starting/load-options.ts';

type Options = LoadOptions & StartCommandOptions;

export function addLoadCommand(program: Command, end: (exitCode: number) => void): void {
  const command = program
    .command('load')
    .summary('start a load of a folder, and print its job ID')
    .description(
      'Starts a load of a folder of images or documents into a dataset, prints the job ID and returns at once. Loading a folder again does only what has changed.',
    )
    .argument('<folder>', 'folder of images or documents, at any depth');
  addStartOptions(addLoadOptions(command))
    .addHelpText(
      'after',
      `
With --json: {"job_id", "workflow_id", "dataset", "attached"}; with --wait, once
the load is over, what "plimsoll status --json" prints. Ctrl-C while waiting
leaves the load running.

${SELECTION_HELP}

${JOB_OPTIONS_HELP}

${IF_RUNNING_HELP}

${START_EXIT_CODES_HELP}

Examples:
  plimsoll load ./photos --wait
  plimsoll load /mnt/coco/train2017 --dataset coco --no-embed
  plimsoll load ./photos --model ~/models/my-clip --max-failed-percent 5
  plimsoll load ./handbook --chunk-size 120 --wait
  plimsoll load ./photos --embed-window "mon-fri 22:00-06:00"
  plimsoll load ./photos --exclude thumbs --exclude "*_small.jpg"
  plimsoll load ./urgent --priority 1 --webhook https://example.com/hooks
  plimsoll load ./photos --if-running replace
  JOB=$(plimsoll load ./photos) && plimsoll wait "$JOB" --for browsable`,
    )
    .action(async (folder: string, options: Options) => end(await load(folder, options)));
}

async function load(folder: string, options: Options): Promise<number> {
  const [{ withClient }, { loadRequestOf }, { checkJobOptions }, { checkLoad }, { finishStart }] = await Promise.all([
    import('../connection.ts'),
    import('../starting/job-request.ts'),
    import('../starting/check-job-options.ts'),
    import('../starting/check-load.ts'),
    import('../starting/finish-start.ts'),
  ]);
  const output = createOutput(options);
  checkJobOptions(options, output);
  const source = resolve(folder);
  const request = loadRequestOf({ ...options, source, dataset: options.dataset ?? datasetNameOf(source) });
  const named = options.dataset !== undefined;
  return withClient({ dataDir: options.data }, async (client, servers) => {
    await checkLoad(request, { store: client.store, servers, output, named });
    const job = await client.startLoad(request, { ifRunning: options.ifRunning });
    return finishStart(job, options, { client, servers, output });
  });
}
