import type { Command } from 'commander';
import { START_EXIT_CODES_HELP } from '../exit-code.ts';
import { embedOption } from '../options.ts';
import { createOutput } from '../output.ts';
import {
  addStartOptions,
  IF_RUNNING_HELP,
  JOB_OPTIONS_HELP,
  type StartCommandOptions,
} from '../starting/job-options.ts';

interface RetryOptions extends StartCommandOptions {
  embed: boolean;
}

export function addRetryCommand(program: Command, end: (exitCode: number) => void): void {
  const command = program
    .command('retry')
    .summary('try again what failed, and nothing else')
    .description(
      'Reads the files again that could not be read, and embeds what could not be embedded. Prints the job ID and returns at once. New and changed files are left to the next load.',
    )
    .argument('<job>', "job ID, 6 or more characters of one, or a dataset's name (its latest job)")
    .addOption(embedOption());
  addStartOptions(command)
    .addHelpText(
      'after',
      `
Model, queue and other options are those of the job, unless you give others.
Files that fail again do not fail the retry: plimsoll samples DATASET --errors

With --json: {"job_id", "workflow_id", "dataset", "attached"}; with --wait, once
the job is over, what "plimsoll status --json" prints.

${JOB_OPTIONS_HELP}

${IF_RUNNING_HELP}

${START_EXIT_CODES_HELP}

Examples:
  plimsoll retry photos --wait
  plimsoll retry "$JOB" --no-embed`,
    )
    .action(async (job: string, options: RetryOptions) => end(await retry(job, options)));
}

async function retry(reference: string, options: RetryOptions): Promise<number> {
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
  const changes = { ...jobRequestOf(options), ...(options.embed ? {} : { embed: false }) };
  return withClient({ dataDir: options.data }, async (client, servers) => {
    await checkModel(changes, servers);
    await checkWebhooks(changes.webhooks, servers, output);
    const job = await client.retry(reference, changes, { ifRunning: options.ifRunning });
    return finishStart(job, options, { client, servers, output });
  });
}
