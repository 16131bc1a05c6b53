import type { Command } from 'commander';
import type { PlimsollClient } from '../../client/plimsoll-client.ts';
import type { JobStatus } from '../../contract/job.ts';
import { type CommonOptions, dataDirOption, jsonOption } from '../options.ts';
import { createOutput } from '../output.ts';

interface OperateOptions extends CommonOptions {
  reason?: string;
  wait?: boolean;
}

type End = (exitCode: number) => void;

const JSON_HELP = `
With --json: what "plimsoll status --json" prints.
Exit codes: 0 done, 1 not possible, 2 wrong usage, 3 no such job.
`;

export function addPauseCommand(program: Command, end: End): void {
  program
    .command('pause')
    .summary('pause a job; it keeps what it has done')
    .description(
      'Pauses a load or an embedding, in either phase. Running work stops within seconds; everything done so far is kept. A paused job holds no worker, and stays paused until it is resumed.',
    )
    .argument('<job>', "a job's ID, its beginning, or a dataset's name")
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText('after', `${JSON_HELP}\nExamples:\n  plimsoll pause photos\n  plimsoll resume photos`)
    .action(async (job: string, options: OperateOptions) => {
      end(await operate(options, (client) => client.pause(job), pausedLine));
    });
}

export function addResumeCommand(program: Command, end: End): void {
  program
    .command('resume')
    .summary('let a paused job go on')
    .description('Lets a paused job go on where it stopped.')
    .argument('<job>', "a job's ID, its beginning, or a dataset's name")
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText('after', `${JSON_HELP}\nExample:\n  plimsoll resume photos && plimsoll wait photos`)
    .action(async (job: string, options: OperateOptions) => {
      end(
        await operate(
          options,
          (client) => client.resume(job),
          ({ dataset }) => `The job of ${dataset} goes on.`,
        ),
      );
    });
}

export function addCancelCommand(program: Command, end: End): void {
  program
    .command('cancel')
    .summary('end a job; it keeps what it has done')
    .description(
      'Asks a job to end, and returns at once. Everything done so far is kept: the dataset can be browsed, and the next job of the kind goes on from there.',
    )
    .argument('<job>', "a job's ID, its beginning, or a dataset's name")
    .option('--reason <text>', 'why; kept in the record')
    .option('--wait', 'return when the job has ended')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `${JSON_HELP}\nExamples:\n  plimsoll cancel photos --reason "the wrong folder"\n  plimsoll cancel photos --wait`,
    )
    .action(async (job: string, options: OperateOptions) => {
      const { reason, wait } = options;
      const cancel = async (client: PlimsollClient) => {
        const status = await client.cancel(job, reason === undefined ? {} : { reason });
        return wait ? client.wait(status.job_id) : status;
      };
      end(await operate(options, cancel, canceledLine));
    });
}

async function operate(
  { data, json }: OperateOptions,
  work: (client: PlimsollClient) => Promise<JobStatus>,
  line: (status: JobStatus) => string,
): Promise<number> {
  const { withClient } = await import('../connection.ts');
  const output = createOutput({ json });
  return withClient({ dataDir: data }, async (client) => {
    const status = await work(client);
    output.result(status, () => [line(status)]);
    return 0;
  });
}

const pausedLine = ({ dataset, job_id }: JobStatus) =>
  `The job of ${dataset} is paused. Let it go on: plimsoll resume ${job_id}`;

const canceledLine = ({ dataset, job_id, finished_at, error }: JobStatus) =>
  finished_at === null
    ? `The job of ${dataset} was asked to end: plimsoll wait ${job_id}`
    : `The job of ${dataset} has ended. ${error?.message ?? ''}`;
