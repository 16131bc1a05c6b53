import { type Command, InvalidArgumentError, Option } from 'commander';
import type { JobFilter } from '../../client/list-jobs.ts';
import { JOB_KINDS, JOB_STATES, type JobKind, type JobState } from '../../contract/job.ts';
import { oneOf, timeOrAge, wholeNumber } from '../arguments.ts';
import { type CommonOptions, dataDirOption, jsonOption } from '../options.ts';
import { createOutput } from '../output.ts';

interface JobsOptions extends CommonOptions {
  dataset?: string;
  state?: JobState[];
  kind?: JobKind[];
  since?: Date;
  before?: Date;
  limit: number;
  cursor?: string;
}

const MOST = 1000;
/** IDs begin with their time. This many characters include the milliseconds, so they tell jobs apart. */
const SHORT_ID = 13;

export function addJobsCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('jobs')
    .summary('list jobs, the latest first')
    .description('Lists running and past jobs, the latest first, including those that Temporal no longer keeps.')
    .option('--dataset <name>', 'only jobs of this dataset')
    .addOption(
      new Option('--state <state>', `only jobs in this state; repeat for more (${JOB_STATES.join(', ')})`).argParser(
        oneOf(JOB_STATES),
      ),
    )
    .addOption(
      new Option('--kind <kind>', `only jobs of this kind; repeat for more (${JOB_KINDS.join(', ')})`).argParser(
        oneOf(JOB_KINDS),
      ),
    )
    .option('--since <time>', 'only jobs that started then or later: a time, or an age such as 7d', timeOrAge)
    .option('--before <time>', 'only jobs that started before: a time, or an age', timeOrAge)
    .option('--limit <n>', 'at most this many', wholeNumber(1, MOST), 20)
    .option('--cursor <cursor>', 'the next page: the cursor that the last one printed; keep the filters', cursor)
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
The last column says what a job did. For a load that is what was new: loading an
unchanged folder again shows "none changed; nothing to embed".
Kinds: load; retry (of what failed); embed (with a model, without a load); prune
(of samples whose files are gone); relocate (of files that were moved); forget
(of a folder); delete (of a dataset); duplicates (a search for them).

With --json: {"jobs": [...], "next"}: each job as "plimsoll status --json"
prints it; next is the --cursor of the next page, null on the last. On a
terminal, IDs are cut to ${SHORT_ID} characters, which all commands accept.

Examples:
  plimsoll jobs
  plimsoll jobs --dataset photos --state failed --state canceled
  plimsoll jobs --kind load --since 7d
  plimsoll jobs --json | jq -r '.jobs[].job_id'`,
    )
    .action(async (options: JobsOptions) => end(await jobs(options)));
}

function cursor(text: string): string {
  if (/^[\w-]+$/.test(text)) return text;
  throw new InvalidArgumentError('Expected the cursor that the page before printed.');
}

async function jobs({ data, json, ...filter }: JobsOptions): Promise<number> {
  const { withClient } = await import('../connection.ts');
  const output = createOutput({ json });
  return withClient({ dataDir: data }, async (client) => {
    const page = await client.jobs(filter satisfies JobFilter);
    const lines = output.json || page.jobs.length === 0 ? [] : await tableOf(page.jobs);
    output.result(page, () => lines);
    if (output.json) return 0;
    if (page.jobs.length === 0) output.note('No jobs.');
    // On a line of its own, the cursor fits and can be copied whole.
    if (page.next !== null) output.note(`More: add\n  --cursor ${page.next}`);
    return 0;

    async function tableOf(rows: typeof page.jobs): Promise<string[]> {
      const { jobLines } = await import('../job-columns.ts');
      const { paint, width } = output;
      return jobLines(rows, { idLength: process.stdout.isTTY ? SHORT_ID : Number.POSITIVE_INFINITY, width, paint });
    }
  });
}
