import { z } from 'zod';
import {
  embedDatasetInput,
  forgetSourceInput,
  IMPORT_RULES,
  importVectorsInput,
  indexVectorsInput,
  relocateDatasetInput,
} from '../../contract/inputs.ts';
import { READINESS } from '../../core/jobs/readiness.ts';
import { DATASET_SORTS, readDatasetsCursor } from './datasets-cursor.ts';
import { phaseState, startQuery } from './jobs.ts';
import { base64url, flag, text, wholeNumber } from './parameters.ts';

const count = z.int().min(0);
const moment = z.iso.datetime();
const phase = z.object({ state: phaseState, job_id: z.string(), at: moment }).nullable();

export const dataset = z
  .object({
    dataset: z.string(),
    readiness: z
      .enum(READINESS)
      .describe(
        '`deleting`: a job deletes it. `waiting`: a job indexes it, and no sample is there yet. `indexing`: a job indexes it; the samples that are there can be browsed, and more may come. `failed`: it has no samples, because indexing failed. `empty`: it has no samples, and no job indexes it. `browsable`: all samples can be browsed; no model has embedded them all since they were last indexed. `ready`: all samples can be browsed, and a model has embedded all that it could.',
      ),
    media_type: z.string().describe('What its samples are: image.'),
    sources: z.array(z.string()).describe('Absolute paths; to a caller of read scope, the last name of each.'),
    counts: z
      .object({ total: count, indexed: count, failed: count, missing: count })
      .describe('Settled at the end of a phase; while one runs, its status is ahead of them.'),
    next_seq: count.describe('The number that the next new sample gets: all numbers are below it.'),
    phases: z.object({ indexing: phase, embedding: phase }),
    models: z.array(
      z.object({
        key: z.string(),
        name: z.string(),
        revision: z.string(),
        dim: count,
        vectors: count,
        last_modified_at: moment,
      }),
    ),
    annotation_fields: z.array(z.string()).describe('The fields of its annotations.'),
    serving: z
      .string()
      .nullable()
      .describe(
        'The key of the model whose vectors a search uses if it names none; null before a model has embedded the dataset.',
      ),
    latest_job: z.string().nullable().describe('The latest job of this dataset.'),
    deleting: z.boolean().describe('A job has begun to delete it: nothing is written to it any more.'),
    created_at: moment,
    last_modified_at: moment,
  })
  .meta({ id: 'Dataset' });

export const datasetsQuery = z
  .strictObject({
    sort: z
      .enum(DATASET_SORTS)
      .default('name')
      .meta({ description: 'By what they are sorted; with a minus, the last or the latest first.' }),
    limit: wholeNumber(1, 1000)
      .default(100)
      .meta({ type: 'integer', minimum: 1, maximum: 1000, default: 100, description: 'At most this many.' }),
    cursor: base64url(500).optional().meta({ description: '`next` of the page before, for the same sort.' }),
  })
  .refine(({ sort, cursor }) => cursor === undefined || readDatasetsCursor(cursor, sort) !== undefined, {
    path: ['cursor'],
    error: 'must be `next` of the page before, as it was, with the same sort',
  });

export const datasetList = z
  .object({
    datasets: z.array(dataset),
    next: z
      .string()
      .nullable()
      .describe('Give it as `cursor`, with the same sort, for the next page; null on the last.'),
  })
  .meta({ id: 'DatasetList' });

export const embedBody = embedDatasetInput
  .omit({ dataset: true })
  .meta({ id: 'EmbedRequest', description: 'Options of the job.' });

export const importBody = z
  .object(importVectorsInput.shape)
  .omit({ dataset: true })
  .strict()
  .meta({
    id: 'ImportVectorsRequest',
    description: 'The file, the key of its model, and how its rows name their samples.',
    ...IMPORT_RULES,
  });

export const indexBody = indexVectorsInput
  .omit({ dataset: true, model_key: true, model: true })
  .extend({
    model: z
      .string()
      .min(1)
      .max(4200)
      .optional()
      .describe("The model's name or key in the dataset; the one that serves if left out."),
  })
  .meta({ id: 'IndexRequest', description: 'Options of the job.' });

export const relocateBody = relocateDatasetInput
  .omit({ dataset: true })
  .meta({ id: 'RelocateRequest', description: 'Where the files were, and where they are now.' });

export const forgetBody = forgetSourceInput
  .omit({ dataset: true })
  .meta({ id: 'ForgetRequest', description: 'The folder whose samples to remove.' });

const datasetModel = z
  .object({
    key: z.string().describe('`name@revision`.'),
    name: z.string(),
    revision: z.string(),
    dim: count.describe('The number of elements of a vector.'),
    vectors: count.describe('Its vectors now, of samples in any status.'),
    embedded: count.describe('The indexed samples that have a vector of it.'),
    share: z.number().min(0).max(1).nullable().describe('embedded / indexed; null where no sample is indexed.'),
    serving: z.boolean().describe('Whether a search uses it if it names no model.'),
    completed_at: moment
      .nullable()
      .describe('When it last embedded the dataset to the end; null if it never has, or if a drop has begun.'),
    index: z
      .object({ kind: z.string(), vectors: count, size_bytes: count, built_at: moment })
      .nullable()
      .describe('The published index of its vectors; null if there is none.'),
    words: z
      .boolean()
      .describe(
        'Whether this server can search it by words: it has the files of the model, and they have a text side.',
      ),
    dropped_by: z.string().nullable().describe('The job that removes its vectors; null if none does.'),
  })
  .meta({ id: 'DatasetModel', description: 'A model that has vectors in a dataset.' });

export const datasetModels = z
  .object({
    dataset: z.string(),
    serving: z.string().nullable().describe('The key of the model that searches use; null if none has vectors.'),
    indexed: count.describe('The indexed samples of the dataset.'),
    models: z.array(datasetModel).describe('Those that were complete first come first.'),
  })
  .meta({ id: 'DatasetModels' });

export const servingBody = z
  .strictObject({ model: text(4200).describe("The model's key, or its name: its revision that was completed last.") })
  .meta({ id: 'ServingRequest', description: 'The model that is to serve searches.' });

export const usedModel = datasetModels
  .extend({ before: z.string().nullable().describe('The key of the model that served before; null if none did.') })
  .meta({ id: 'UsedModel' });

export const removalQuery = startQuery.extend({ dry_run: flag('Start nothing, only say what it would remove.') });

export const removalPreview = z
  .object({
    dataset: z.string(),
    dry_run: z.literal(true),
    samples: count,
    vectors: count,
    schedules: z
      .array(z.string())
      .optional()
      .describe(
        'Of a deletion: the schedules that load the dataset, and would be paused. ' +
          'Of a forget: the schedules that load the folder, and would bring its files back. ' +
          'Of a drop: the schedules that embed with the model, and would bring its vectors back.',
      ),
    model: z.string().optional().describe('Of a drop: the key of the model.'),
  })
  .meta({ id: 'RemovalPreview', description: 'What a job would remove now.' });

export const tagCounts = z
  .object({
    tags: z.array(z.object({ tag: z.string(), samples: count })).describe('The most used first; at most 1,000.'),
  })
  .meta({ id: 'TagCounts' });

export type Dataset = z.infer<typeof dataset>;
export type DatasetModels = z.infer<typeof datasetModels>;
export type UsedModel = z.infer<typeof usedModel>;
export type DatasetList = z.infer<typeof datasetList>;
export type TagCounts = z.infer<typeof tagCounts>;
