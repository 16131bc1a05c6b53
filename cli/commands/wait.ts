import { type Command, Option } from 'commander';
import type { Milestone } from '../../client/wait.ts';
import { numberBetween } from '../arguments.ts';
import { type CommonOptions, dataDirOption, jsonOption } from '../options.ts';
import { createOutput } from '../output.ts';

interface WaitCommandOptions extends CommonOptions {
  for: Milestone;
  timeout?: number;
}

/** The longest time of a timer, 24 days. */
const LONGEST_TIMEOUT_SECONDS = 2_147_483;

export function addWaitCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('wait')
    .summary('wait for a job; the exit code says how it ended')
    .description('Waits until a job has ended, or until its dataset can be browsed, and shows the progress meanwhile.')
    .argument('<job>', "job ID, 6 or more characters of one, or a dataset's name (its latest job)")
    .addOption(
      new Option('--for <milestone>', 'what to wait for')
        .choices(['browsable', 'artifact', 'searchable', 'completed'] satisfies Milestone[])
        .default('completed'),
    )
    .option(
      '--timeout <seconds>',
      'give up after this time; the job goes on',
      numberBetween(0, LONGEST_TIMEOUT_SECONDS),
    )
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Exit codes:
    0  completed; with --for browsable: indexing completed, whatever becomes of
       the embedding; with --for searchable: all vectors are stored and
       indexed
    1  failed or canceled; with --for searchable: it embeds nothing
    2  wrong usage
    3  no such job
  124  timed out; the job goes on
  130  Ctrl-C; the job goes on

With --json: what "plimsoll status --json" prints. After a timeout:
{"error": {"code": "WaitTimeout", "message"}, "status"}, the last status seen.

Examples:
  plimsoll wait photos
  plimsoll wait photos --for browsable --timeout 60 && echo "have a look"
  JOB=$(plimsoll load ./photos); plimsoll wait "$JOB" --json > result.json`,
    )
    .action(async (job: string, options: WaitCommandOptions) => end(await wait(job, options)));
}

async function wait(reference: string, options: WaitCommandOptions): Promise<number> {
  const [{ withClient }, { followToEnd }, { findJob }] = await Promise.all([
    import('../connection.ts'),
    import('../follow.ts'),
    import('../../client/find-job.ts'),
  ]);
  const output = createOutput(options);
  return withClient({ dataDir: options.data }, async (client, servers) => {
    const { job_id } = await findJob(client, reference);
    return followToEnd(client, servers, job_id, output, {
      for: options.for,
      ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout * 1000 }),
    });
  });
}
