/**
 * What clients and workers agree on: names, inputs and messages. Safe in the workflow sandbox, in a client and in a worker.
 * Every field that crosses a border is snake_case, as in the documents, so that one spelling serves all languages.
 */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { z } from 'zod';
import type { JobKind } from '../core/store/documents.ts';
import { BUILT_IN_MODEL } from './built-in-model.ts';
import { embeddingOptions, queueOptions, webhooks } from './options.ts';

/** Task queue of workflows, indexing and everything else that needs no accelerator, unless a client names another. */
export const INDEXING_TASK_QUEUE = 'plimsoll';
/** Task queue of inference, unless an input names another. */
export const EMBEDDING_TASK_QUEUE = 'plimsoll-gpu';

/** What datasets and schedules are named by. */
export const plainName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, {
  error: ({ input }) =>
    `must begin with a-z or 0-9, go on with a-z, 0-9, ".", "_" or "-", and have 63 characters at most, not be ${JSON.stringify(String(input).slice(0, 100))}`,
});

const datasetName = plainName.describe('Name of the dataset.');

const model = z
  .string()
  .min(1)
  .max(4096)
  .describe(
    "The embedding model: a built-in one's name, a folder's name below the worker's model folders, or a folder's absolute path on the embedding worker's machine.",
  );

const embed = z.boolean().default(true).describe('Whether to run the embedding phase.');

const maxFailedPercent = z
  .number()
  .min(0)
  .max(100)
  .default(100)
  .describe('The load fails when a larger share of its files can not be read, or when none can.');

/** Input of the workflow `loadDataset`. */
export const loadDatasetInput = z
  .strictObject({
    dataset: datasetName,
    source: z.string().min(1).max(4096).describe("Absolute path of a folder on the indexing worker's machine."),
    embed,
    model: model.default(BUILT_IN_MODEL),
    max_failed_percent: maxFailedPercent,
    ...embeddingOptions,
    ...queueOptions,
    webhooks,
  })
  .describe('Loads a folder into a dataset: indexes it, then embeds it in the background.');

/** Input of the workflow `retryFailed`. */
export const retryFailedInput = z
  .strictObject({
    dataset: datasetName,
    embed,
    model: model.default(BUILT_IN_MODEL),
    ...embeddingOptions,
    ...queueOptions,
    webhooks,
  })
  .describe('Reads again the files of a dataset that could not be read, and embeds again what could not be embedded.');

/** Input of the workflow `embedDataset`. */
export const embedDatasetInput = z
  .strictObject({
    dataset: datasetName,
    model: model.default(BUILT_IN_MODEL),
    ...embeddingOptions,
    ...queueOptions,
    webhooks,
  })
  .describe('Embeds the samples of a dataset that lack a vector of the model.');

/** Input of the workflow `pruneDataset`. */
export const pruneDatasetInput = z
  .strictObject({ dataset: datasetName })
  .describe('Deletes the samples of a dataset whose files are missing, and their vectors.');

/** Input of the workflow `deleteDataset`. */
export const deleteDatasetInput = z
  .strictObject({ dataset: datasetName })
  .describe('Deletes a dataset with its samples and vectors. Its files and the records of its jobs stay.');

/** Input of the workflow `scheduledLoad`. */
export const scheduledLoadInput = z
  .strictObject({ load: loadDatasetInput })
  .describe('Started by a schedule: runs loadDataset, unless a load of the dataset is running.');

/** Input of the update `cancel`. */
export const cancelInput = z
  .strictObject({
    reason: z.string().max(1000).optional().describe("For people; it becomes part of the job's record."),
  })
  .describe('Asks a job to end; it keeps what it has.');

export type CancelRequest = z.output<typeof cancelInput>;
export type LoadDatasetInput = z.output<typeof loadDatasetInput>;
export type LoadDatasetRequest = z.input<typeof loadDatasetInput>;
export type EmbedDatasetInput = z.output<typeof embedDatasetInput>;
export type EmbedDatasetRequest = z.input<typeof embedDatasetInput>;
export type RetryFailedInput = z.output<typeof retryFailedInput>;
export type RetryFailedRequest = z.input<typeof retryFailedInput>;
export type PruneDatasetRequest = z.input<typeof pruneDatasetInput>;
export type DeleteDatasetRequest = z.input<typeof deleteDatasetInput>;
export type ScheduledLoadRequest = z.input<typeof scheduledLoadInput>;

/** The fixed ID makes "one running load a dataset" Temporal's guarantee. */
export const loadWorkflowId = (dataset: string) => `load-${dataset}`;

/**
 * One embedding of a dataset with a model at a time. The colon can't be part of a dataset's name. A model given as a path is
 * known by its folder's name and a hash of the path; a long name is cut, as Temporal takes 1,000 bytes.
 */
export function embedWorkflowId(dataset: string, model: string): string {
  const label = model.startsWith('/') ? model.split('/').findLast((part) => part !== '') : model;
  const exact = label === model && label.length <= MAX_LABEL;
  return `embed-${dataset}:${label?.slice(0, MAX_LABEL)}${exact ? '' : `~${hashOf(model)}`}`;
}

const MAX_LABEL = 200;

/** FNV-1a, 32 bits: the sandbox has no crypto, and nothing here has to withstand an attack. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, '0');
}

export const LOAD_WORKFLOW = 'loadDataset';
export const RETRY_WORKFLOW = 'retryFailed';
export const EMBED_WORKFLOW = 'embedDataset';
export const PRUNE_WORKFLOW = 'pruneDataset';
export const DELETE_WORKFLOW = 'deleteDataset';
export const SCHEDULED_WORKFLOW = 'scheduledLoad';
export const WEBHOOK_WORKFLOW = 'deliverWebhook';
/** The kind of job that each workflow is; the others are none. */
export const KINDS: Readonly<Record<string, JobKind>> = {
  [LOAD_WORKFLOW]: 'load',
  [RETRY_WORKFLOW]: 'retry',
  [EMBED_WORKFLOW]: 'embed',
  [PRUNE_WORKFLOW]: 'prune',
  [DELETE_WORKFLOW]: 'delete',
};

export const PAUSE_UPDATE = 'pause';
export const RESUME_UPDATE = 'resume';
export const CANCEL_UPDATE = 'cancel';
export const STATUS_QUERY = 'status';

/** Makes jobs filterable on Temporal's page: `PlimsollDataset = "cats" AND PlimsollPhase = "embedding"`. */
export const datasetAttribute = defineSearchAttributeKey('PlimsollDataset', SearchAttributeType.KEYWORD);
export const phaseAttribute = defineSearchAttributeKey('PlimsollPhase', SearchAttributeType.KEYWORD);
