import { type Command, Option } from 'commander';
import type { SampleDocument } from '../core/store/documents.ts';
import type { SampleFilter } from '../core/store/search-samples.ts';
import { folder, repeated } from './arguments.ts';
import { tagsFilter } from './tags-filter.ts';
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
  errors?: boolean;
}

const STATUSES: SampleDocument['status'][] = ['indexed', 'failed', 'missing'];

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
    .option('--where <condition>', 'only such samples: format=png, width=640..1920 (repeatable)', repeated, [])
    .option('--errors', 'only samples that could not be read or embedded');
}

/** The filter that the options ask for; all its fields are undefined if they ask for none. @throws UsageError */
export async function sampleFilterOf(options: SampleFilterOptions): Promise<SampleFilter> {
  const { status, label, field, split, below, errors = false } = options;
  return {
    ...(await whereFilter(options.where)),
    status,
    ...tagsFilter(options),
    label,
    field,
    split,
    error: errors ? 'any' : undefined,
    prefixes: below === undefined ? undefined : [`${below.replace(/\/+$/, '')}/`],
  };
}
