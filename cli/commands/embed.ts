import type { Command } from 'commander';
import { START_EXIT_CODES_HELP } from '../exit-code.ts';
import { createOutput } from '../output.ts';
import {
  addStartOptions,
  IF_RUNNING_HELP,
  JOB_OPTIONS_HELP,
  type StartCommandOptions,
} from '../starting/job-options.ts';

export function addEmbedCommand(program: Command, end: (exitCode: number) => void): void {
  const command = program
    .command('embed')
    .summary('embed a dataset, or embed it again with another model')
    .description(
      'Embeds the samples of a dataset that have no vector of the model yet, prints the job ID and returns at once. Vectors of other models stay.',
    )
    .argument('<dataset>', "the dataset's name");
  addStartOptions(command)
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
    .action(async (dataset: string, options: StartCommandOptions) => end(await embed(dataset, options)));
}

async function embed(dataset: string, options: StartCommandOptions): Promise<number> {
  const [{ withClient }, { jobRequestOf }, { checkJobOptions }, { checkModel }, { checkWebhooks }, { finishStart }] =
    await Promise.all([
      import('../connection.ts'),
      import('../starting/job-request.ts'),
      import('../starting/check-job-options.ts'),
      import('../starting/check-model.ts'),
      import('../starting/check-webhooks.ts'),
      import('../starting/finish-start.ts'),
    ]);
  const output = createOutput(options);
  checkJobOptions(options, output);
  const request = { dataset, ...jobRequestOf(options) };
  return withClient({ dataDir: options.data }, async (client, servers) => {
    await checkModel(request, servers);
    await checkWebhooks(request.webhooks, servers, output);
    const job = await client.startEmbedding(request, { ifRunning: options.ifRunning });
    return finishStart(job, options, { client, servers, output });
  });
}
