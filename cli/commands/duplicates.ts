import { type Command, Option } from 'commander';
import type { IfRunning } from '../../client/if-running.ts';
import type { PlimsollClient } from '../../client/plimsoll-client.ts';
import type { DuplicateGroup, GroupPage } from '../../core/search/duplicates/read-groups.ts';
import type { DuplicatesDocument } from '../../core/store/documents.ts';
import { model, numberBetween, tagName, wholeNumber } from '../arguments.ts';
import { START_EXIT_CODES_HELP } from '../exit-code.ts';
import { UsageError } from '../failure.ts';
import { type CommonOptions, dataDirOption, dtypeOption, jsonOption } from '../options.ts';
import { createOutput, type Output } from '../output.ts';
import { ifRunningOption } from '../starting/job-options.ts';
import { printable } from '../terminal/printable.ts';
import { counted } from '../terminal/quantities.ts';

interface DuplicatesOptions extends CommonOptions {
  threshold?: number;
  model?: string;
  ifRunning: IfRunning;
  wait?: boolean;
  list?: boolean;
  tagRest?: string;
  kind?: DuplicatesDocument['kind'];
  limit: number;
  cursor?: string;
}

export function addDuplicatesCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('duplicates')
    .summary('find near-duplicates in a dataset')
    .description(
      'Compares the vectors of a dataset with each other, and groups the samples whose vectors are near. Prints the job ID and returns at once.',
    )
    .argument('<dataset>', "the dataset's name")
    .option('--threshold <cosine>', 'least cosine of near-duplicates, 0.5 to 1 (default: 0.97)', numberBetween(0.5, 1))
    .option('--model <model>', 'compare the vectors of this model (default: the one that a search uses)', model)
    .addOption(dtypeOption())
    .addOption(ifRunningOption('if such a job is running: fail, return that one, or replace it'))
    .option('--wait', 'wait until it is done, and say what was found')
    .option('--list', 'start nothing; show the groups that were found last')
    .option('--tag-rest <tag>', 'start nothing; tag all of each group but the one to keep', tagName)
    .addOption(new Option('--kind <kind>', 'with --list or --tag-rest: only such groups').choices(['exact', 'near']))
    .option('--limit <n>', 'with --list: at most this many groups', wholeNumber(1, 1000), 20)
    .option('--cursor <cursor>', 'with --list: the next page, as the last one printed it')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
A group is exact if all its files have equal content, else near. The one to
keep (* in the list) has the most pixels, then the most bytes, then the lowest
number. --tag-rest tags the others, and takes the tag from the one to keep. The
groups of the search before are shown until a new one has ended.

The default threshold is for trained models such as CLIP or DINOv2. With the
built-in one, whose vectors of different pictures are nearer, take 0.985.
Up to 50,000 samples each is compared with each; beyond, a graph of
neighbours proposes the pairs, and may miss some.

With --json: {"job_id", "workflow_id", "dataset", "attached"}; with --wait, once
the job is over, what "plimsoll status --json" prints, with compared {samples,
total, groups}. With --list: {"dataset", "run", "groups", "next"}; run is null
or {job_id, model_key, threshold, exact, groups, samples, finished_at}. A group:
  group, kind, size      its number, exact or near, how many members
  members                {seq, filepath, score, same_content, keep}: score is
                         the cosine to the first; 1,000 at most
With --tag-rest: {"dataset", "tag", "groups", "tagged", "modified"}.
${START_EXIT_CODES_HELP}

Examples:
  plimsoll duplicates photos --wait
  plimsoll duplicates photos --threshold 0.985 --wait
  plimsoll duplicates photos --list
  plimsoll duplicates photos --tag-rest duplicate --kind exact`,
    )
    .action(async (dataset: string, options: DuplicatesOptions) => end(await duplicates(dataset, options)));
}

async function duplicates(dataset: string, options: DuplicatesOptions): Promise<number> {
  const { list, tagRest, threshold, wait } = options;
  if (list && tagRest !== undefined) throw new UsageError('--list and --tag-rest exclude each other.');
  if ((list || tagRest !== undefined) && (threshold !== undefined || options.model !== undefined || wait)) {
    throw new UsageError(
      '--threshold, --model and --wait are for a search. With --list and --tag-rest, none is started.',
    );
  }
  const [{ withClient }, { finishStart }] = await Promise.all([
    import('../connection.ts'),
    import('../starting/finish-start.ts'),
  ]);
  const output = createOutput(options);
  return withClient({ dataDir: options.data }, async (client, servers) => {
    if (list) return showGroups(client, dataset, options, output);
    if (tagRest !== undefined) return tagAll(client, dataset, { tag: tagRest, kind: options.kind }, output);
    const request = {
      dataset,
      ...(threshold === undefined ? {} : { threshold }),
      ...(options.model === undefined ? {} : { model: options.model }),
    };
    const job = await client.findDuplicates(request, { ifRunning: options.ifRunning });
    return finishStart(job, options, { client, servers, output });
  });
}

async function showGroups(
  client: PlimsollClient,
  dataset: string,
  { kind, limit, cursor }: DuplicatesOptions,
  output: Output,
): Promise<number> {
  const page = await client.duplicates(dataset, { kind, limit, cursor });
  const { run, groups, next } = page;
  const lines = output.json || groups.length === 0 ? [] : await tableOf(page, output);
  output.result({ dataset, run: run ?? null, groups: groups.map(documentOf), next }, () => lines);
  if (output.json) return 0;
  if (run === undefined)
    output.note(`No search for duplicates has ended yet. Start one: plimsoll duplicates ${dataset}`);
  else if (groups.length === 0) output.note('No duplicates.');
  if (next !== null) output.note(`More: add\n  --cursor ${next}`);
  return 0;
}

function documentOf({ group, kind, size, members }: DuplicateGroup) {
  return {
    group,
    kind,
    size,
    members: members.map(({ sample: { seq, filepath }, score, same_content, keep }) => ({
      seq,
      filepath,
      score,
      same_content,
      keep,
    })),
  };
}

async function tableOf({ groups }: GroupPage, { paint, width }: Output): Promise<string[]> {
  const { columns } = await import('../terminal/columns.ts');
  return columns(
    [
      { title: 'GROUP', align: 'right' },
      { title: 'KIND' },
      { title: 'SCORE', align: 'right' },
      { title: 'KEEP' },
      { title: 'SEQ', align: 'right' },
      { title: 'PATH' },
    ],
    groups.flatMap(({ group, kind, members }) =>
      members.map(({ sample: { seq, filepath }, score, keep }) => [
        String(group),
        kind,
        score.toFixed(3),
        keep ? paint.green('*') : '',
        String(seq),
        printable(filepath),
      ]),
    ),
    paint,
    width,
  );
}

async function tagAll(
  client: PlimsollClient,
  dataset: string,
  { tag, kind }: { tag: string; kind: DuplicatesOptions['kind'] },
  output: Output,
): Promise<number> {
  const sum = { groups: 0, tagged: 0, modified: 0 };
  for (let cursor: string | undefined; ; ) {
    const { groups, tagged, modified, next } = await client.tagDuplicates(dataset, { tag, kind, cursor });
    sum.groups += groups;
    sum.tagged += tagged;
    sum.modified += modified;
    if (next === null) break;
    cursor = next;
  }
  output.result({ dataset, tag, ...sum }, () => [
    `The tag ${tag} is on ${counted(sum.tagged, 'sample')} of ${counted(sum.groups, 'group')}.`,
  ]);
  return 0;
}
