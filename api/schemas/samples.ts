import { z } from 'zod';
import { annotationField } from '../../contract/annotations.ts';
import { MOST_TAGGED } from '../../contract/sample-filter.ts';
import { oneOfFields } from '../../contract/schema-rules.ts';
import {
  CHOICE_FIELDS,
  type ChoiceField,
  RANGE_FIELDS,
  type RangeField,
  sampleMetadata,
} from '../../core/media/fields.ts';
import { annotation } from './annotations.ts';
import { flag, MOST_SEQ, several, text, wholeNumber } from './parameters.ts';

export const sampleStatus = z.enum(['indexed', 'failed', 'missing']);
const count = z.int().min(0);
const moment = z.iso.datetime();

export const sample = z
  .object({
    seq: count.describe("The sample's number in its dataset: dense, never reused."),
    id: z.string(),
    path: z.string().describe("The file's path, from the last name of its source's folder on."),
    filepath: z.string().nullable().describe('Its absolute path; null to a caller of read scope.'),
    status: sampleStatus,
    size_bytes: count,
    metadata: sampleMetadata.nullable(),
    tags: z.array(z.string()),
    split: z.string().nullable(),
    annotations: z
      .record(z.string(), z.array(annotation))
      .optional()
      .describe('By field. In a list only where they are asked for.'),
    error: z
      .object({ code: z.string(), message: z.string(), stage: z.enum(['indexing', 'embedding']), at: moment })
      .nullable(),
    version: z
      .string()
      .describe('Changes with the file. With ?v=version, its file and thumbnails may be cached for good.'),
    job_id: z.string().describe('The job that wrote it last.'),
    created_at: moment,
    last_modified_at: moment,
  })
  .meta({ id: 'Sample' });

type Choices = {
  [K in ChoiceField]: z.ZodOptional<z.ZodEnum<{ [V in (typeof CHOICE_FIELDS)[K]['values'][number]]: V }>>;
};

const choices = Object.fromEntries(
  Object.entries(CHOICE_FIELDS).map(([name, { values, description }]) => [
    name,
    z.enum(values).optional().meta({ description }),
  ]),
) as Choices;

/** Sample filter of pages, neighbours and tagging. A sample must match every field. */
const filterFields = {
  status: sampleStatus.optional().meta({ description: 'Only samples of this status.' }),
  tag: text(100).optional().meta({ description: 'Only samples with this tag.' }),
  label: text(1000).optional().meta({ description: 'Only samples with an annotation of this class.' }),
  field: annotationField.optional().meta({
    description: 'Only samples with annotations in this field; with `label`, with that class in it.',
  }),
  split: text(100).optional().meta({ description: 'Only samples of this split.' }),
  ...choices,
  path_prefix: text(4096).optional().meta({
    description:
      'Only samples whose `path` begins so. An absolute path is taken for the beginning of `filepath`, of operate scope alone.',
    example: 'photos/2026/',
  }),
  q: text(200).optional().meta({ description: 'Only samples whose `path` has this text, in any case.' }),
  error: z
    .string()
    .regex(/^\w{1,100}$/, 'must be "any", a stage (indexing, embedding) or an error code')
    .optional()
    .meta({
      description: 'Only samples with an error: `any`, of a stage (`indexing`, `embedding`), or of this error code.',
    }),
} as const;

/** How many tags a filter names in each of its lists. */
const MOST_TAGS_NAMED = 20;

/** The filters of several tags, with `list` as the schema of a list of tags. */
function tagLists<T extends z.ZodType>(list: (description: string) => T) {
  return {
    tags_all: list('Only samples with all of these tags.'),
    tags_any: list('Only samples with at least one of these tags.'),
    tags_none: list('Only samples with none of these tags.'),
  };
}

const BYTES = Number.MAX_SAFE_INTEGER;
type BoundName = `${'min' | 'max'}_${RangeField | 'bytes'}`;

/** The lower and upper bound of each range, with `number` as the schema of a bound. */
function bounds<T extends z.ZodType>(number: (most: number, description: string) => T): Record<BoundName, T> {
  const ranges = { ...RANGE_FIELDS, bytes: { most: BYTES, description: "The file's size." } };
  const named = Object.entries(ranges).flatMap(([name, { most, description }]) =>
    ['min', 'max'].map((bound) => [`${bound}_${name}`, number(most, description)] as const),
  );
  return Object.fromEntries(named) as Record<BoundName, T>;
}

export const sampleFilterQuery = z.strictObject({
  ...filterFields,
  ...tagLists((description) =>
    several(text(100))
      .optional()
      .meta({ description: `${description} Repeat it for each.` }),
  ),
  ...bounds((most, description) =>
    wholeNumber(0, most).optional().meta({ type: 'integer', minimum: 0, maximum: most, description }),
  ),
});

/** The same filter in a JSON body, where numbers are numbers. */
export const sampleFilter = z
  .strictObject({
    ...filterFields,
    ...tagLists((description) => z.array(text(100)).min(1).max(MOST_TAGS_NAMED).optional().describe(description)),
    ...bounds((most, description) => z.int().min(0).max(most).optional().describe(description)),
  })
  .meta({ id: 'SampleFilter' });

export const samplesQuery = sampleFilterQuery.extend({
  sort: z
    .enum(['seq', '-seq', 'path', '-path', 'date', '-date', 'size', '-size'])
    .default('seq')
    .describe(
      "The order: by number (`-seq` begins with the newest), by path, by the file's modification time, or by its size. A minus reverses it.",
    ),
  after: wholeNumber(0, MOST_SEQ).optional().meta({
    type: 'integer',
    minimum: 0,
    maximum: MOST_SEQ,
    description:
      'Only samples behind this number: `next` of the page before, or any number to begin there. In another order than that of numbers it must be the number of a sample.',
  }),
  annotations: flag('Whether each sample comes with its annotations.'),
  limit: wholeNumber(1, 1000)
    .default(100)
    .meta({ type: 'integer', minimum: 1, maximum: 1000, default: 100, description: 'At most this many.' }),
});

export const samplePage = z
  .object({
    samples: z.array(sample).describe('In the order that was asked for.'),
    next: count
      .nullable()
      .describe(
        'Give it as `after` for the next page; null when there are no more. A page of filtered samples may hold fewer than asked for, or none, and have a next one: a request looks through a bounded number of samples.',
      ),
  })
  .meta({ id: 'SamplePage' });

export const sampleDetail = z
  .object({
    sample,
    vectors: z
      .array(
        z.object({
          model_key: z.string(),
          dim: count,
          current: z.boolean().describe('False where the file has changed since.'),
        }),
      )
      .describe('The models that have made a vector of it.'),
  })
  .meta({ id: 'SampleDetail' });

export const neighbors = z
  .object({ previous: z.union([sample, z.null()]), next: z.union([sample, z.null()]) })
  .meta({ id: 'Neighbors', description: 'The samples before and behind, of those that pass the filter.' });

export const THUMBNAIL_SIZES = [128, 256, 512, 1024] as const;

export const thumbnailQuery = z.strictObject({
  size: z
    .enum(['128', '256', '512', '1024'])
    .default('256')
    .meta({ description: 'The longer side in pixels; smaller images are not enlarged.' }),
  v: z.string().max(100).optional().meta({ description: "The sample's `version`: the answer may be kept for good." }),
});

export const fileQuery = z.strictObject({
  v: z.string().max(100).optional().meta({ description: "The sample's `version`: the answer may be kept for good." }),
});

export const tag = text(100)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: \p{Cc}, \p{Zl}, \p{Zp} for every language
  .regex(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$/, 'must have no control characters')
  .refine((value) => value.trim() === value, 'must not begin or end with a space');

export const tagBody = z
  .strictObject({
    add: z.array(tag).max(20).default([]),
    remove: z.array(tag).max(20).default([]),
    seqs: z.array(z.int().min(0).max(MOST_SEQ)).min(1).max(MOST_TAGGED).optional(),
    filter: sampleFilter.optional(),
    after: z.int().min(0).max(MOST_SEQ).optional().describe('With filter: `next` of the answer before.'),
  })
  .refine(({ add, remove }) => add.length + remove.length > 0, {
    path: ['add'],
    error: 'must name a tag, or remove must: both are empty',
  })
  .refine(({ seqs, filter }) => (seqs === undefined) !== (filter === undefined), {
    path: ['seqs'],
    error: 'must be given, or else filter: one of the two',
  })
  .meta({
    id: 'TagRequest',
    description: 'The tags to add or remove, at least one, and the samples: either `seqs` or `filter`.',
    ...oneOfFields('seqs', 'filter'),
    not: { properties: { add: { maxItems: 0 }, remove: { maxItems: 0 } } },
  });

export const tagged = z
  .object({
    matched: count.describe('How many samples were looked at and fit.'),
    modified: count.describe('How many of them had to be changed.'),
    next: count
      .nullable()
      .describe('With filter: there are more; repeat the request with this as `after`. Null when it is done.'),
  })
  .meta({ id: 'Tagged' });

export type Sample = z.infer<typeof sample>;
export type SamplePage = z.infer<typeof samplePage>;
export type SampleDetail = z.infer<typeof sampleDetail>;
export type Neighbors = z.infer<typeof neighbors>;
export type SampleFilter = z.infer<typeof sampleFilter>;
export type TagRequest = z.input<typeof tagBody>;
export type Tagged = z.infer<typeof tagged>;
