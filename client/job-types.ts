import type { z } from 'zod';
import {
  type AnnotateDatasetInput,
  type AnnotateDatasetRequest,
  annotateDatasetInput,
  type DeleteDatasetRequest,
  type DropModelRequest,
  deleteDatasetInput,
  dropModelInput,
  type EmbedDatasetInput,
  type EmbedDatasetRequest,
  type ExportDatasetInput,
  type ExportDatasetRequest,
  embedDatasetInput,
  exportDatasetInput,
  type FindDuplicatesInput,
  type FindDuplicatesRequest,
  type ForgetSourceRequest,
  findDuplicatesInput,
  forgetSourceInput,
  type ImportVectorsInput,
  type ImportVectorsRequest,
  type IndexVectorsInput,
  type IndexVectorsRequest,
  importVectorsInput,
  indexVectorsInput,
  type LoadDatasetInput,
  type LoadDatasetRequest,
  loadDatasetInput,
  type PruneDatasetRequest,
  pruneDatasetInput,
  type RelocateDatasetRequest,
  type RetryFailedInput,
  type RetryFailedRequest,
  relocateDatasetInput,
  retryFailedInput,
} from '../contract/inputs.ts';
import type { JobKind } from '../contract/job.ts';
import {
  ANNOTATE_WORKFLOW,
  DELETE_WORKFLOW,
  DROP_WORKFLOW,
  DUPLICATES_WORKFLOW,
  duplicatesWorkflowId,
  EMBED_WORKFLOW,
  EXPORT_WORKFLOW,
  embedWorkflowId,
  exportWorkflowId,
  FORGET_WORKFLOW,
  IMPORT_WORKFLOW,
  INDEX_WORKFLOW,
  LOAD_WORKFLOW,
  loadWorkflowId,
  PRUNE_WORKFLOW,
  RELOCATE_WORKFLOW,
  RETRY_WORKFLOW,
} from '../contract/names.ts';
import type { QueueOptions } from '../contract/priority.ts';
import type { UserError } from '../core/errors.ts';
import { requireExportable } from '../core/exporting/require-exportable.ts';
import { folderNameOf } from '../core/folders.ts';
import { requireApart } from '../core/relocating/check-relocation.ts';
import { modelToSearch } from '../core/search/model-to-search.ts';
import { requireInDataset } from '../core/sources/require-in-dataset.ts';
import { datasetNotFound, datasetNotThere } from '../core/store/dataset-errors.ts';
import { getDataset } from '../core/store/datasets.ts';
import { partsOfKey } from '../core/store/embeddings.ts';
import type { Store } from '../core/store/store.ts';

export type JobInput = QueueOptions & Record<string, unknown>;

/** The facts of a kind of job that `startJob` needs. */
export interface JobType<Request, Input extends JobInput> {
  kind: JobKind;
  /** The workflow's type. */
  workflow: string;
  /** Makes the workflow's input of a request. */
  schema: z.ZodType<Input, Request>;
  workflowId(input: Input): string;
  /** Whether the job has an embedding phase. */
  embeds(input: Input): boolean;
  /** For people, on Temporal's page. */
  summary(input: Input): string;
  /** The error if the dataset does not exist; undefined if the job makes the dataset. */
  datasetError: ((dataset: string) => UserError) | undefined;
  /** Refuses what is wrong whatever happens until a worker begins, so that no failed job is left of it. */
  check?(store: Store, input: Input): Promise<void>;
}

export const LOAD: JobType<LoadDatasetRequest, LoadDatasetInput> = {
  kind: 'load',
  workflow: LOAD_WORKFLOW,
  schema: loadDatasetInput,
  workflowId: ({ dataset }) => loadWorkflowId(dataset),
  embeds: ({ embed }) => embed,
  summary: ({ source, dataset }) => `Load ${source} into ${dataset}`,
  datasetError: undefined,
};

export const RETRY: JobType<RetryFailedRequest, RetryFailedInput> = {
  kind: 'retry',
  workflow: RETRY_WORKFLOW,
  schema: retryFailedInput,
  workflowId: ({ dataset }) => loadWorkflowId(dataset),
  embeds: ({ embed }) => embed,
  summary: ({ dataset }) => `Retry what failed in ${dataset}`,
  datasetError: datasetNotFound,
};

export const EMBED: JobType<EmbedDatasetRequest, EmbedDatasetInput> = {
  kind: 'embed',
  workflow: EMBED_WORKFLOW,
  schema: embedDatasetInput,
  workflowId: ({ dataset, model }) => embedWorkflowId(dataset, model),
  embeds: () => true,
  summary: ({ dataset, model }) => `Embed ${dataset} with ${model}`,
  datasetError: datasetNotFound,
};

export const PRUNE: JobType<PruneDatasetRequest, PruneDatasetRequest> = {
  kind: 'prune',
  workflow: PRUNE_WORKFLOW,
  schema: pruneDatasetInput,
  workflowId: ({ dataset }) => loadWorkflowId(dataset),
  embeds: () => false,
  summary: ({ dataset }) => `Prune ${dataset}`,
  datasetError: datasetNotThere,
};

export const RELOCATE: JobType<RelocateDatasetRequest, RelocateDatasetRequest> = {
  kind: 'relocate',
  workflow: RELOCATE_WORKFLOW,
  schema: relocateDatasetInput,
  workflowId: ({ dataset }) => loadWorkflowId(dataset),
  embeds: () => false,
  summary: ({ dataset, from, to }) => `Relocate ${dataset} from ${from} to ${to}`,
  datasetError: datasetNotThere,
  async check(store, { dataset, from, to }) {
    requireApart({ from: folderNameOf(from), to: folderNameOf(to) });
    await requireInDataset(store, { datasetId: dataset, folder: folderNameOf(from) });
  },
};

export const ANNOTATE: JobType<AnnotateDatasetRequest, AnnotateDatasetInput> = {
  kind: 'annotate',
  workflow: ANNOTATE_WORKFLOW,
  schema: annotateDatasetInput,
  workflowId: ({ dataset }) => loadWorkflowId(dataset),
  embeds: () => false,
  summary: ({ dataset, remove }) =>
    remove === undefined ? `Annotate ${dataset}` : `Remove the annotations ${remove} of ${dataset}`,
  datasetError: datasetNotThere,
};

export const EXPORT: JobType<ExportDatasetRequest, ExportDatasetInput> = {
  kind: 'export',
  workflow: EXPORT_WORKFLOW,
  schema: exportDatasetInput,
  workflowId: ({ dataset, target }) => exportWorkflowId(dataset, target),
  embeds: () => false,
  summary: ({ dataset, format, target }) => `Export ${dataset} as ${format} to ${target}`,
  datasetError: datasetNotFound,
  async check(store, input) {
    await requireExportable(store, input);
  },
};

export const FORGET: JobType<ForgetSourceRequest, ForgetSourceRequest> = {
  kind: 'forget',
  workflow: FORGET_WORKFLOW,
  schema: forgetSourceInput,
  workflowId: ({ dataset }) => loadWorkflowId(dataset),
  embeds: () => false,
  summary: ({ dataset, source }) => `Forget ${source} in ${dataset}`,
  datasetError: datasetNotThere,
  check: (store, { dataset, source }) => requireInDataset(store, { datasetId: dataset, folder: folderNameOf(source) }),
};

export const DELETE: JobType<DeleteDatasetRequest, DeleteDatasetRequest> = {
  kind: 'delete',
  workflow: DELETE_WORKFLOW,
  schema: deleteDatasetInput,
  workflowId: ({ dataset }) => loadWorkflowId(dataset),
  embeds: () => false,
  summary: ({ dataset }) => `Delete ${dataset}`,
  datasetError: datasetNotThere,
};

export const INDEX: JobType<IndexVectorsRequest, IndexVectorsInput> = {
  kind: 'index',
  workflow: INDEX_WORKFLOW,
  schema: indexVectorsInput,
  // That of an embedding with the model: neither begins while the other runs.
  workflowId: ({ dataset, model }) => embedWorkflowId(dataset, model),
  embeds: () => true,
  summary: ({ dataset, model_key }) => `Index the vectors of ${model_key} in ${dataset}`,
  datasetError: datasetNotFound,
};

export const IMPORT: JobType<ImportVectorsRequest, ImportVectorsInput> = {
  kind: 'import',
  workflow: IMPORT_WORKFLOW,
  schema: importVectorsInput,
  // That of an embedding with the model: neither begins while the other runs.
  workflowId: ({ dataset, model_key }) => embedWorkflowId(dataset, partsOfKey(model_key).name),
  embeds: () => true,
  summary: ({ dataset, model_key }) => `Import vectors of ${model_key} into ${dataset}`,
  datasetError: datasetNotThere,
};

export const DUPLICATES: JobType<FindDuplicatesRequest, FindDuplicatesInput> = {
  kind: 'duplicates',
  workflow: DUPLICATES_WORKFLOW,
  schema: findDuplicatesInput,
  workflowId: ({ dataset }) => duplicatesWorkflowId(dataset),
  embeds: () => false,
  summary: ({ dataset }) => `Find duplicates in ${dataset}`,
  datasetError: datasetNotFound,
  async check(store, { dataset, model }) {
    await modelToSearch(store, await getDataset(store, dataset), model);
  },
};

export const DROP: JobType<DropModelRequest, DropModelRequest> = {
  kind: 'drop',
  workflow: DROP_WORKFLOW,
  schema: dropModelInput,
  // That of an embedding with the model: neither begins while the other runs.
  workflowId: ({ dataset, model }) => embedWorkflowId(dataset, model),
  embeds: () => false,
  summary: ({ dataset, model_key }) => `Drop the vectors of ${model_key} in ${dataset}`,
  datasetError: datasetNotThere,
};
