import type { ImportedStatus } from '../contract/imported.ts';
import type { ImportVectorsInput } from '../contract/inputs.ts';
import type { IndexStatus } from '../contract/job.ts';
import { embedWorkflowId } from '../contract/names.ts';
import { UserError } from '../core/errors.ts';
import { importVectors } from '../core/importing/import-vectors.ts';
import { openReader } from '../core/importing/open-reader.ts';
import { recordImport } from '../core/importing/record-import.ts';
import { endPhase, startPhase } from '../core/jobs/phases.ts';
import { indexNeeded } from '../core/search/build-index.ts';
import type { Sources } from '../core/sources/source.ts';
import { claimDataset, keepModel } from '../core/store/datasets.ts';
import { partsOfKey } from '../core/store/embeddings.ts';
import { noteImported } from '../core/store/imports.ts';
import { openEmbeddingWith, setPhaseFields } from '../core/store/jobs.ts';
import type { Store } from '../core/store/store.ts';
import { checkWebhooks } from '../core/webhooks/check.ts';
import type { WebhookConfig } from '../core/webhooks/config.ts';
import { type Capabilities, type CapabilityDependencies, capabilitiesOf } from './capabilities.ts';
import { withSteps } from './heartbeats.ts';
import { recordRun, requireRun } from './job-runs.ts';
import { requireWorkflowId } from './require-workflow-id.ts';
import { withUserFailures } from './user-failures.ts';

export interface ImportDependencies extends CapabilityDependencies {
  store: Store;
  sources: Sources;
  /** If omitted, a job with webhooks is refused. */
  webhooks?: WebhookConfig;
  /** An index is built for this many vectors and more; 10,000 if left out. */
  indexFrom?: number | undefined;
}

export interface BeginImportInput {
  job_id: string;
  workflow_id: string;
  request: ImportVectorsInput;
}

export interface BegunImport extends Capabilities {
  /** The queue of the workers that build indexes. */
  task_queue: string;
}

export interface ReadVectorsInput {
  job_id: string;
  request: ImportVectorsInput;
}

export interface FinishImportInput extends ReadVectorsInput {
  imported: ImportedStatus;
}

export interface FinishedImport {
  imported: ImportedStatus;
  dim: number;
  /** The index to build; null if none is needed. */
  index: IndexStatus | null;
}

export type ImportActivities = ReturnType<typeof createImportActivities>;

/** Creates the activities that import vectors. */
export function createImportActivities(dependencies: ImportDependencies) {
  const { store, sources, webhooks, indexFrom } = dependencies;
  return withUserFailures({
    /** Records the import before it looks at its file. */
    async beginImport(input: BeginImportInput): Promise<BegunImport> {
      const { job_id, workflow_id, request } = input;
      const { dataset, model_key } = request;
      await recordRun(store, { kind: 'import', dataset, embeds: true }, { ...input, continued: false });
      requireWorkflowId(workflow_id, embedWorkflowId(dataset, partsOfKey(model_key).name));
      await checkWebhooks(webhooks, request.webhooks);
      await claimDataset(store, dataset, job_id);
      // An embedding that calls the model otherwise has another Workflow ID.
      const embedding = await openEmbeddingWith(store, dataset, model_key, job_id);
      if (embedding !== undefined)
        throw new UserError(
          'AlreadyRunning',
          `Job ${embedding._id} works on the vectors of ${model_key} in ${dataset}. Nothing was changed. ` +
            `Wait for it or cancel it, then import them: plimsoll status ${embedding._id}`,
        );
      await setPhaseFields(store, job_id, 'embedding', { model_key });
      const capabilities = await capabilitiesOf(dependencies);
      return { ...capabilities, task_queue: request.embed_task_queue ?? capabilities.embed_task_queue };
    },

    /** Reads the file, and writes its vectors. */
    async readVectors({ job_id, request }: ReadVectorsInput): Promise<ImportedStatus> {
      return withSteps(async ({ onStep: step, signal }) => {
        await requireRun(store, job_id);
        const { dataset, model_key, path } = request;
        // The heartbeats carry no position: it is in the job's record, which a pause keeps, too.
        const onStep = () => step();
        const reader = await openReader(store, sources, request, onStep);
        try {
          await keepModel(store, dataset, model_key);
          const asked = { jobId: job_id, datasetId: dataset, modelKey: model_key, path, reader, onStep, signal };
          return await importVectors(store, asked);
        } finally {
          await reader.close();
        }
      });
    },

    /** Records the model on the dataset, and ends the job's phase unless its vectors need an index. */
    async finishImport({ job_id, request, imported }: FinishImportInput): Promise<FinishedImport> {
      return withSteps(async ({ onStep, signal }) => {
        await requireRun(store, job_id);
        const { dataset: datasetId, model_key: modelKey } = request;
        const { dim } = await recordImport(store, { datasetId, modelKey, imported, onStep: () => onStep(), signal });
        const completed: ImportedStatus = { ...imported, state: 'completed' };
        await noteImported(store, job_id, completed);
        const { vectors } = imported;
        const counts = { done: vectors, total: vectors, total_known: true };
        await startPhase(store, job_id, 'embedding', { model_key: modelKey, total: vectors, total_known: true });
        await setPhaseFields(store, job_id, 'embedding', counts);
        const index = await indexNeeded(store, { datasetId, modelKey, dim }, 'auto', indexFrom);
        if (index === null) await endPhase(store, job_id, 'embedding', 'completed');
        else await setPhaseFields(store, job_id, 'embedding', { index });
        return { imported: completed, dim, index };
      });
    },
  });
}
