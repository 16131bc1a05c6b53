import { resolve } from 'node:path';
import type { Command } from 'commander';
import { dataDirOption, datasetOption, embedOption, jsonOption, modelOption, numberBetween } from '../arguments.ts';
import { datasetNameOf } from '../dataset-name.ts';
import { EXIT_CODES_HELP } from '../exit-code.ts';
import { createOutput } from '../output.ts';

interface LoadOptions {
  dataset?: string;
  model?: string;
  embed: boolean;
  maxFailedPercent?: number;
  wait?: boolean;
  data?: string;
  json?: boolean;
}

export function addLoadCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('load')
    .summary('start a load of a folder, and print its job ID')
    .description(
      'Starts a load of a folder of images into a dataset, prints the job ID and returns at once. Loading a folder again does only what has changed.',
    )
    .argument('<folder>', 'folder of images, at any depth')
    .addOption(datasetOption())
    .addOption(modelOption())
    .addOption(embedOption())
    .option(
      '--max-failed-percent <percent>',
      'fail the load when a larger share of the files can not be read',
      numberBetween(0, 100),
    )
    .option('--wait', 'stay, show the progress, and end as "plimsoll wait" does')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
With --json: {"job_id", "workflow_id", "dataset"}; with --wait, once the load is
over, what "plimsoll status --json" prints. Ctrl-C while waiting leaves the load
running.
${EXIT_CODES_HELP}

Examples:
  plimsoll load ./photos --wait
  plimsoll load /mnt/coco/train2017 --dataset coco --no-embed
  plimsoll load ./photos --model ~/models/clip-vit-base-patch32 --max-failed-percent 5
  JOB=$(plimsoll load ./photos) && plimsoll wait "$JOB" --for browsable`,
    )
    .action(async (folder: string, options: LoadOptions) => end(await load(folder, options)));
}

async function load(folder: string, options: LoadOptions): Promise<number> {
  const [{ withClient }, { requestOf }, { checkFolder }, { followToEnd }] = await Promise.all([
    import('../connection.ts'),
    import('../load-request.ts'),
    import('../check-folder.ts'),
    import('../follow.ts'),
  ]);
  const output = createOutput(options);
  const source = resolve(folder);
  return withClient({ dataDir: options.data }, async (client, servers) => {
    await checkFolder(source, servers, output);
    const job = await client.startLoad(
      requestOf({ ...options, source, dataset: options.dataset ?? datasetNameOf(source) }),
    );
    if (!options.wait) {
      output.result(job, () => [job.job_id]);
      return 0;
    }
    if (!output.json) process.stdout.write(`${job.job_id}\n`);
    return followToEnd(client, servers, job.job_id, output);
  });
}
