import { type Command, Option } from 'commander';
import type { LoadStatus } from '../../core/loads/status.ts';
import type { LoadState } from '../../core/store/documents.ts';
import { dataDirOption, jsonOption, time, wholeNumber } from '../arguments.ts';
import type { Output } from '../output.ts';
import { createOutput } from '../output.ts';
import { printable } from '../printable.ts';
import { ago, count, duration, secondsBetween } from '../quantities.ts';

interface JobsOptions {
  dataset?: string;
  state?: LoadState;
  limit: number;
  before?: Date;
  data?: string;
  json?: boolean;
}

const STATES: LoadState[] = ['queued', 'running', 'paused', 'completed', 'failed', 'canceled'];
const MOST = 1000;
/** Tells jobs apart: of IDs that begin with their time it holds the milliseconds. */
const SHORT_ID = 13;

export function addJobsCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('jobs')
    .summary('list jobs, the latest first')
    .description('Lists running and past jobs, the latest first.')
    .option('--dataset <name>', 'only jobs of this dataset')
    .addOption(new Option('--state <state>', 'only jobs in this state').choices(STATES))
    .option('--limit <n>', 'at most this many', wholeNumber(1, MOST), 20)
    .option('--before <time>', 'only jobs that started before: the next page', time)
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
With --json: {"jobs": [...], "next"}: each job as "plimsoll status --json" prints
it; next is what to give to --before for the next page, null on the last.
On a terminal IDs are cut to ${SHORT_ID} characters, which all commands take.

Examples:
  plimsoll jobs
  plimsoll jobs --dataset photos --state failed
  plimsoll jobs --json | jq -r '.jobs[].job_id'`,
    )
    .action(async (options: JobsOptions) => end(await jobs(options)));
}

async function jobs({ data, json, ...filter }: JobsOptions): Promise<number> {
  const { withClient } = await import('../connection.ts');
  const output = createOutput({ json });
  return withClient({ dataDir: data }, async (client) => {
    const page = await client.jobs(filter);
    const lines = output.json ? [] : await tableOf(page.jobs, output);
    output.result(page, () => lines);
    if (output.json) return 0;
    if (page.jobs.length === 0) output.note('No jobs.');
    if (page.next !== null) output.note(`More: add --before ${page.next}`);
    return 0;
  });
}

async function tableOf(rows: readonly LoadStatus[], { paint }: Output): Promise<string[]> {
  if (rows.length === 0) return [];
  const { columns } = await import('../columns.ts');
  const idLength = process.stdout.isTTY ? SHORT_ID : 36;
  const states: Record<LoadState, (text: string) => string> = {
    queued: paint.dim,
    running: paint.cyan,
    paused: paint.yellow,
    completed: paint.green,
    failed: paint.red,
    canceled: paint.yellow,
  };
  return columns(
    [
      { title: 'JOB' },
      { title: 'DATASET' },
      { title: 'STATE' },
      { title: 'INDEXED', align: 'right' },
      { title: 'EMBEDDED', align: 'right' },
      { title: 'FAILED', align: 'right' },
      { title: 'STARTED' },
      { title: 'TOOK' },
    ],
    rows.map((job) => [
      job.job_id.slice(0, idLength),
      printable(job.dataset),
      states[job.state](job.state),
      progressOf(job.phases.indexing),
      progressOf(job.phases.embedding),
      count(job.phases.indexing.failed + job.phases.embedding.failed),
      job.started_at === null ? '' : ago(job.started_at),
      tookOf(job),
    ]),
    paint,
  );
}

function progressOf(phase: LoadStatus['phases']['indexing']): string {
  if (phase.state === 'skipped') return '-';
  return phase.state === 'completed' ? count(phase.done) : `${count(phase.done)}/${count(phase.total)}`;
}

function tookOf({ started_at, finished_at }: LoadStatus): string {
  const seconds = secondsBetween(started_at, finished_at);
  return seconds === undefined ? '' : duration(seconds);
}
