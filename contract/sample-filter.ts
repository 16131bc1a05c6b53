/** Selects samples of a dataset: the fields that searches and exports share. */
import { z } from 'zod';
import { annotationField } from './annotations.ts';

/** MongoDB takes no NUL in the pattern of a text. */
const words = z
  .string()
  .max(4096)
  .refine((text) => !text.includes('\0'), 'must hold no NUL');
const field = z.string().regex(/^\w{1,100}$/, 'must be the name of a field');
const tags = z.array(words).min(1).max(20);
const bytes = z.int().min(0);

/** Selects samples of a dataset. Each field narrows the selection. */
export const searchFilter = z
  .strictObject({
    status: z.enum(['indexed', 'failed', 'missing']).optional(),
    tag: words.optional().describe('Only samples with this tag.'),
    tags_all: tags.optional().describe('Only samples with all of these tags.'),
    tags_any: tags.optional().describe('Only samples with at least one of these tags.'),
    tags_none: tags.optional().describe('Only samples with none of these tags.'),
    label: words.optional().describe('Only samples with an annotation of this class.'),
    field: annotationField
      .optional()
      .describe('Only samples with annotations in this field; with label, of that class in it.'),
    split: words.optional().describe('Only samples of this split.'),
    error: words.optional().describe('`any`, a stage (`indexing`, `embedding`), or the code of an error.'),
    min_bytes: bytes.optional(),
    max_bytes: bytes.optional(),
    equal: z.record(field, words).optional().describe('Metadata fields that must equal a value.'),
    between: z
      .record(field, z.strictObject({ min: z.number().optional(), max: z.number().optional() }))
      .optional()
      .describe('Metadata fields that must lie between two inclusive bounds.'),
    prefixes: z.array(words).max(1000).optional().describe('Beginnings of `filepath`. A sample matches any of them.'),
    text: z
      .strictObject({ needle: words, below: z.array(words).max(1000) })
      .optional()
      .describe('Text to find, in any case, in the part of `filepath` after one of these folders.'),
  })
  .describe('Only samples that match every field.');

/** Samples that are tagged at once. */
export const MOST_TAGGED = 10_000;
