import type { Command } from 'commander';
import { repeated, wholeNumber } from '../arguments.ts';
import { UsageError } from '../failure.ts';
import { type CommonOptions, dataDirOption, jsonOption } from '../options.ts';
import { createOutput } from '../output.ts';
import { addSampleFilters, givenFilter, type SampleFilterOptions, sampleFilterOf } from '../sample-filter-options.ts';
import { counted } from '../terminal/quantities.ts';

interface TagOptions extends CommonOptions, SampleFilterOptions {
  add: string[];
  remove: string[];
  seq: number[];
  all?: boolean;
  errors?: boolean;
}

export function addTagCommand(program: Command, end: (exitCode: number) => void): void {
  const seqs = (text: string, before: number[]) => [...before, wholeNumber(0)(text)];
  const command = program
    .command('tag')
    .summary("add tags to a dataset's samples, or remove them")
    .description(
      'Adds tags to samples, or removes them: to those that are named by their numbers, to those that pass the filters, or to all. Tags stay with a sample when its file changes or moves. Doing it again changes nothing.',
    )
    .argument('<dataset>', "the dataset's name")
    .option('--add <tag>', 'a tag to add (repeatable)', repeated, [])
    .option('--remove <tag>', 'a tag to remove (repeatable)', repeated, [])
    .option('--seq <n>', 'the sample with this number (repeatable)', seqs, [])
    .option('--all', 'all samples of the dataset');
  addSampleFilters(command)
    .option('--errors', 'only samples that could not be read or embedded')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
With --json: {"dataset", "matched", "modified"}: samples that fit, and of them
those that were changed.

Exit codes: 0 done, 2 wrong usage, 3 no such dataset.

Examples:
  plimsoll tag photos --add keep --seq 3 --seq 17
  plimsoll tag photos --add small --where width=..640
  plimsoll tag photos --remove draft --all`,
    )
    .action(async (dataset: string, options: TagOptions) => end(await tag(dataset, options)));
}

async function tag(dataset: string, options: TagOptions): Promise<number> {
  const { add, remove, seq: seqs, all = false, errors = false } = options;
  const filter = { ...(await sampleFilterOf(options)), error: errors ? ('any' as const) : undefined };
  await checkTags([...add, ...remove]);
  if (add.length + remove.length === 0) throw new UsageError('Name a tag: --add TAG or --remove TAG.');
  const filtered = errors || givenFilter(options) !== undefined;
  if ([seqs.length > 0, filtered, all].filter(Boolean).length !== 1)
    throw new UsageError('Say which samples: --seq, filters such as --tag or --where, or --all. One of the three.');
  const [{ withStore }, { getDataset }, { tagSelected }] = await Promise.all([
    import('../connection.ts'),
    import('../../core/store/datasets.ts'),
    import('../../core/store/tag-selected.ts'),
  ]);
  const output = createOutput(options);
  return withStore({ dataDir: options.data }, async (store) => {
    const { next_seq: nextSeq } = await getDataset(store, dataset);
    let [matched, modified] = [0, 0];
    let after: number | undefined;
    do {
      const which = seqs.length > 0 ? { seqs } : { filter, after, nextSeq };
      const tagged = await tagSelected(store, dataset, { add, remove }, which);
      matched += tagged.matched;
      modified += tagged.modified;
      after = tagged.next ?? undefined;
    } while (after !== undefined);
    output.result({ dataset, matched, modified }, () => [
      `${counted(modified, 'sample')} changed, of ${counted(matched, 'sample')} that ${matched === 1 ? 'fits' : 'fit'}.`,
    ]);
    return 0;
  });
}

/** @throws UsageError */
async function checkTags(names: readonly string[]): Promise<void> {
  const { tag: schema } = await import('../../api/schemas/samples.ts');
  for (const name of names) {
    const { error } = schema.safeParse(name);
    if (error !== undefined) throw new UsageError(`The tag "${name}" ${error.issues[0]?.message ?? 'is none'}.`);
  }
}
