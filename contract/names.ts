/**
 * Names that clients, workflows and workers agree on: task queues, workflow types, Workflow IDs, updates and queries.
 */
import { canonicalModel } from './built-in-model.ts';
import type { JobKind } from './job.ts';

/** Task queue of workflows, indexing and everything else that needs no accelerator, unless a client names another. */
export const INDEXING_TASK_QUEUE = 'plimsoll';
/** Task queue of inference, unless an input names another. */
export const EMBEDDING_TASK_QUEUE = 'plimsoll-gpu';

export const LOAD_WORKFLOW = 'loadDataset';
export const RETRY_WORKFLOW = 'retryFailed';
export const EMBED_WORKFLOW = 'embedDataset';
export const PRUNE_WORKFLOW = 'pruneDataset';
export const RELOCATE_WORKFLOW = 'relocateDataset';
export const FORGET_WORKFLOW = 'forgetSource';
export const DELETE_WORKFLOW = 'deleteDataset';
export const DUPLICATES_WORKFLOW = 'findDuplicates';
export const DROP_WORKFLOW = 'dropModel';
export const INDEX_WORKFLOW = 'indexVectors';
export const ANNOTATE_WORKFLOW = 'annotateDataset';
export const EXPORT_WORKFLOW = 'exportDataset';
export const IMPORT_WORKFLOW = 'importVectors';
export const SCHEDULED_WORKFLOW = 'scheduledLoad';
export const WEBHOOK_WORKFLOW = 'deliverWebhook';
/** The kind of job that each workflow is; the others are none. */
export const KINDS: Readonly<Record<string, JobKind>> = {
  [LOAD_WORKFLOW]: 'load',
  [RETRY_WORKFLOW]: 'retry',
  [EMBED_WORKFLOW]: 'embed',
  [PRUNE_WORKFLOW]: 'prune',
  [RELOCATE_WORKFLOW]: 'relocate',
  [FORGET_WORKFLOW]: 'forget',
  [DELETE_WORKFLOW]: 'delete',
  [DUPLICATES_WORKFLOW]: 'duplicates',
  [DROP_WORKFLOW]: 'drop',
  [INDEX_WORKFLOW]: 'index',
  [ANNOTATE_WORKFLOW]: 'annotate',
  [EXPORT_WORKFLOW]: 'export',
  [IMPORT_WORKFLOW]: 'import',
};

export const PAUSE_UPDATE = 'pause';
export const RESUME_UPDATE = 'resume';
export const CANCEL_UPDATE = 'cancel';
export const STATUS_QUERY = 'status';
/** Sent by a worker to the job whose activity is retried. */
export const RETRYING_SIGNAL = 'retrying';

/** The fixed ID makes "one running load a dataset" Temporal's guarantee. */
export const loadWorkflowId = (dataset: string) => `load-${dataset}`;

/**
 * One embedding of a dataset with a model at a time, or a drop of the model's vectors. The colon can't be part of a dataset's name. A model given as a
 * path is
 * known by its folder's name and a hash of the path; a long name is cut, as Temporal takes 1,000 bytes.
 */
export function embedWorkflowId(dataset: string, named: string): string {
  const model = canonicalModel(named);
  const label = model.startsWith('/') ? (model.split('/').findLast((part) => part !== '') ?? '') : model;
  const exact = label === model && label.length <= MAX_LABEL;
  return `embed-${dataset}:${label.slice(0, MAX_LABEL)}${exact ? '' : `~${hashOf(model)}`}`;
}

/** One search for duplicates of a dataset at a time: its groups replace those of the search before. */
export const duplicatesWorkflowId = (dataset: string) => `duplicates-${dataset}`;

/** One export of a dataset to a folder at a time. Exports to other folders may run beside it. */
export const exportWorkflowId = (dataset: string, target: string) =>
  `export-${dataset}:${hashOf(target.replaceAll(/\/+/g, '/').replace(/(?<=.)\/$/, ''))}`;

const MAX_LABEL = 200;

/** FNV-1a, 32 bits: the sandbox has no crypto, and nothing here has to withstand an attack. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, '0');
}
