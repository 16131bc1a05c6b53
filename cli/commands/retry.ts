import type { Command } from 'commander';
import { dataDirOption, embedOption, jsonOption } from '../arguments.ts';
import { START_EXIT_CODES_HELP } from '../exit-code.ts';
import { addStartOptions, IF_RUNNING_HELP, JOB_OPTIONS_HELP, type StartOptions } from '../job-options.ts';
import { createOutput } from '../output.ts';

interface RetryOptions extends StartOptions {
  embed: boolean;
  wait?: boolean;
  data?: string;
  json?: boolean;
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
    .option('--wait', 'show the progress until the end; exit as "plimsoll wait" does')
    .addOption(dataDirOption())
    .addOption(jsonOption())
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
  const changes = { ...jobRequestOf(options), ...(options.embed ? {} : { embed: false }) };
  return withClient({ dataDir: options.data }, async (client, servers) => {
    await checkWebhooks(changes.webhooks, servers, output);
    const job = await client.retry(reference, changes, options);
    noteAttached(job, output);
    if (!options.wait) {
      output.result(job, () => [job.job_id]);
      return 0;
    }
    if (!output.json) process.stdout.write(`${job.job_id}\n`);
    return followToEnd(client, servers, job.job_id, output);
  });
}
