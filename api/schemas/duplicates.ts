import { z } from 'zod';
import { findDuplicatesInput } from '../../contract/inputs.ts';
import { isGroupsCursor } from '../../core/search/duplicates/read-groups.ts';
import { base64url, wholeNumber } from './parameters.ts';
import { sample, tag } from './samples.ts';

const count = z.int().min(0);
const kind = z.enum(['exact', 'near']);
const cursor = base64url(500).refine(isGroupsCursor, 'must be `next` of the page before, as it was');

export const duplicatesBody = findDuplicatesInput
  .omit({ dataset: true })
  .meta({ id: 'FindDuplicatesRequest', description: 'Options of the job.' });

export const duplicatesQuery = z.strictObject({
  kind: kind.optional().meta({
    description: 'Only groups of files with equal content (`exact`), or only the others (`near`).',
  }),
  limit: wholeNumber(1, 200)
    .default(50)
    .meta({ type: 'integer', minimum: 1, maximum: 200, default: 50, description: 'At most this many groups.' }),
  cursor: cursor.optional().meta({ description: '`next` of the page before.' }),
});

const duplicate = sample
  .extend({
    score: z.number().describe('The cosine of its vector and that of the first member, when they were compared.'),
    same_content: z.boolean().describe('Whether its file is byte for byte that of the first member.'),
    keep: z
      .boolean()
      .describe('True for the one to keep: the most pixels, then the most bytes, then the lowest number.'),
  })
  .meta({ id: 'Duplicate', description: 'A sample in a group of duplicates.' });

const group = z
  .object({
    group: count.describe('Its number in this search, from 1. A larger group has a lower number.'),
    kind: kind.describe('`exact`: all members have equal content. `near`: their vectors are near.'),
    size: count.describe('How many members it has.'),
    members: z.array(duplicate).describe('The best one, then the others from the nearest to it; at most 1,000.'),
  })
  .meta({ id: 'DuplicateGroup' });

export const duplicatePage = z
  .object({
    run: z
      .union([
        z
          .object({
            job_id: z.string(),
            model_key: z.string().describe('The model whose vectors were compared.'),
            threshold: z.number(),
            exact: z
              .boolean()
              .describe('Whether each vector was compared with each. False if a graph of neighbours was asked.'),
            groups: count.describe('Groups that were found.'),
            samples: count.describe('Samples in them.'),
            finished_at: z.iso.datetime(),
          })
          .meta({ id: 'DuplicatesRun' }),
        z.null(),
      ])
      .describe('The search that found the groups; null if none has ended.'),
    groups: z.array(group).describe('The largest first.'),
    next: z
      .string()
      .nullable()
      .describe(
        'Give it as `cursor` for the next page; null on the last. Pages of large groups may hold fewer groups.',
      ),
  })
  .meta({ id: 'DuplicatePage' });

export const keepOneBody = z
  .strictObject({
    tag: tag.default('duplicate'),
    kind: kind.optional().describe('Only groups of this kind.'),
    cursor: cursor.optional().describe('`next` of the answer before.'),
  })
  .meta({ id: 'KeepOneRequest' });

export const keptOne = z
  .object({
    groups: count.describe('Groups of this request.'),
    tagged: count.describe('Their samples that have the tag now.'),
    modified: count.describe('Samples whose tags had to be changed.'),
    next: z
      .string()
      .nullable()
      .describe('There are more: repeat the request with this as `cursor`. Null when it is done.'),
  })
  .meta({ id: 'KeptOne' });

export type DuplicatePage = z.infer<typeof duplicatePage>;
export type DuplicateGroup = z.infer<typeof group>;
export type KeptOne = z.infer<typeof keptOne>;
