import type { Command } from 'commander';
import { dataDirOption, jsonOption } from '../arguments.ts';
import { START_EXIT_CODES_HELP } from '../exit-code.ts';
import { addStartOptions, IF_RUNNING_HELP, JOB_OPTIONS_HELP, type StartOptions } from '../job-options.ts';
import { createOutput } from '../output.ts';

interface EmbedOptions extends StartOptions {
  wait?: boolean;
  data?: string;
  json?: boolean;
}

export function addEmbedCommand(program: Command, end: (exitCode: number) => void): void {
  const command = program
    .command('embed')
    .summary('embed a dataset, or embed it again with another model')
    .description(
      'Embeds the samples of a dataset that have no vector of the model yet, prints the job ID and returns at once. Vectors of other models stay.',
    )
    .argument('<dataset>', "the dataset's name");
  addStartOptions(command)
    .option('--wait', 'show the progress until the end; exit as "plimsoll wait" does')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
With --json: {"job_id", "workflow_id", "dataset", "attached"}; with --wait, once
the job is over, what "plimsoll status --json" prints.

${JOB_OPTIONS_HELP}

${IF_RUNNING_HELP}

${START_EXIT_CODES_HELP}

Examples:
  plimsoll embed photos --wait
  plimsoll embed photos --model ./models/clip-vit-base-patch32
  plimsoll embed photos --embed-at 2026-12-24T22:00 --priority 5`,
    )
    .action(async (dataset: string, options: EmbedOptions) => end(await embed(dataset, options)));
}

async function embed(dataset: string, options: EmbedOptions): Promise<number> {
  const [{ withClient }, { jobRequestOf }, { checkJobOptions }, { checkWebhooks }, { followToEnd }, { noteAttached }] =
    await Promise.all([
      import('../connection.ts'),
      import('../load-request.ts'),
      import('../check-job-options.ts'),
      import('../check-webhooks.ts'),
      import('../follow.ts'),
      import('../note-attached.ts'),
    ]);
  const output = createOutput(options);
  checkJobOptions(options, output);
  const request = { dataset, ...jobRequestOf(options) };
  return withClient({ dataDir: options.data }, async (client, servers) => {
    await checkWebhooks(request.webhooks, servers, output);
    const job = await client.startEmbedding(request, options);
    noteAttached(job, output);
    if (!options.wait) {
      output.result(job, () => [job.job_id]);
      return 0;
    }
    if (!output.json) process.stdout.write(`${job.job_id}\n`);
    return followToEnd(client, servers, job.job_id, output);
  });
}
