import { type Command, Option } from 'commander';
import type { SearchFilter } from '../contract/search.ts';
import type { SampleDocument } from '../core/store/documents.ts';
import { folder, repeated } from './arguments.ts';
import { whereFilter } from './where.ts';

/** The options that say which samples of a dataset are meant. */
export interface SampleFilterOptions {
  status?: SampleDocument['status'];
  tag: string[];
  anyTag: string[];
  withoutTag: string[];
  label?: string;
  field?: string;
  split?: string;
  below?: string;
  where: string[];
}

const STATUSES: SampleDocument['status'][] = ['indexed', 'failed', 'missing'];

/** The flag of each option. */
const FLAGS: Readonly<Record<keyof SampleFilterOptions, string>> = {
  status: '--status',
  tag: '--tag',
  anyTag: '--any-tag',
  withoutTag: '--without-tag',
  label: '--label',
  field: '--field',
  split: '--split',
  below: '--below',
  where: '--where',
};

export function addSampleFilters(command: Command): Command {
  return command
    .addOption(new Option('--status <status>', 'only samples of this status').choices(STATUSES))
    .option('--tag <tag>', 'only samples with this tag, and with all others that are named (repeatable)', repeated, [])
    .option('--any-tag <tag>', 'only samples with this tag or another one that is named so (repeatable)', repeated, [])
    .option('--without-tag <tag>', 'only samples without this tag (repeatable)', repeated, [])
    .option('--label <class>', 'only samples with an annotation of this class')
    .option('--field <field>', 'only samples with annotations in this field; with --label, of the class in it')
    .option('--split <split>', 'only samples of this split')
    .option('--below <folder>', 'only samples whose files are below this folder', folder)
    .option('--where <condition>', 'only such samples: format=png, width=640..1920 (repeatable)', repeated, []);
}

/** The flag of the first filter that is given; undefined if all samples are meant. */
export function givenFilter(options: SampleFilterOptions): string | undefined {
  const names = Object.keys(FLAGS) as (keyof SampleFilterOptions)[];
  const given = names.find((name) => options[name] !== undefined && options[name].length > 0);
  return given && FLAGS[given];
}

/** The filter that the options ask for. @throws UsageError */
export async function sampleFilterOf(options: SampleFilterOptions): Promise<SearchFilter> {
  const { status, label, field, split, below } = options;
  const named = (tags: string[]) => (tags.length === 0 ? undefined : tags);
  return {
    ...(await whereFilter(options.where)),
    status,
    tags_all: named(options.tag),
    tags_any: named(options.anyTag),
    tags_none: named(options.withoutTag),
    label,
    field,
    split,
    prefixes: below === undefined ? undefined : [`${below.replace(/\/+$/, '')}/`],
  };
}
