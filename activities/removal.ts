import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { DropModelRequest, ForgetSourceRequest } from '../contract/inputs.ts';
import type { RemovedCounts } from '../contract/job.ts';
import { embedWorkflowId } from '../contract/names.ts';
import { deleteDataset } from '../core/deleting/delete-dataset.ts';
import { beginDrop, dropModel } from '../core/deleting/drop-model.ts';
import { forgetSource } from '../core/deleting/forget-source.ts';
import { pruneMissing } from '../core/deleting/prune-missing.ts';
import { refreshModel } from '../core/embedding/record-model.ts';
import { folderNameOf } from '../core/folders.ts';
import { requireInDataset } from '../core/sources/require-in-dataset.ts';
import type { Sources } from '../core/sources/source.ts';
import { datasetNotThere } from '../core/store/dataset-errors.ts';
import { claimDataset, markDeleting } from '../core/store/datasets.ts';
import { type JobReference, openBesideLoads } from '../core/store/jobs.ts';
import type { Store } from '../core/store/store.ts';
import { handleOf, ifFound, isRunning, jobIdOf } from '../temporal/jobs.ts';
import { pauseSchedulesOf } from '../temporal/schedules.ts';
import { withSteps } from './heartbeats.ts';
import { ofOpenJobs, recordRun } from './job-runs.ts';
import { type BeginUnphasedInput, type BegunUnphased, recordUnphased } from './record-unphased.ts';
import { requireWorkflowId } from './require-workflow-id.ts';
import { withUserFailures } from './user-failures.ts';

export interface RemovalDependencies {
  store: Store;
  sources: Sources;
  /** Whether this namespace has Plimsoll's search attributes. */
  searchAttributes: () => Promise<boolean>;
}

export interface RemovalInput {
  job_id: string;
  dataset: string;
}

export type RemovalActivities = ReturnType<typeof createRemovalActivities>;

/** Creates the activities that remove samples, a model's vectors or a dataset. */
export function createRemovalActivities({ store, sources, searchAttributes }: RemovalDependencies) {
  const capabilities = async (): Promise<BegunUnphased> => ({ search_attributes: await searchAttributes() });

  return withUserFailures({
    /** Records the prune. */
    async beginPrune(input: BeginUnphasedInput): Promise<BegunUnphased> {
      await recordUnphased(store, 'prune', input);
      await claimDataset(store, input.request.dataset, input.job_id, datasetNotThere);
      return capabilities();
    },

    /** Records the forget, and checks that the dataset has something of the folder. Returns the folder's name. */
    async beginForget(input: BeginUnphasedInput<ForgetSourceRequest>): Promise<BegunUnphased & { folder: string }> {
      const { dataset, source } = input.request;
      await recordUnphased(store, 'forget', input);
      await claimDataset(store, dataset, input.job_id, datasetNotThere);
      const folder = folderNameOf(source);
      await requireInDataset(store, { datasetId: dataset, folder });
      return { ...(await capabilities()), folder };
    },

    /** Records the deletion and marks the dataset, so that no other job begins on it. */
    async beginDelete(input: BeginUnphasedInput): Promise<BegunUnphased> {
      const { dataset } = input.request;
      await recordUnphased(store, 'delete', input);
      if (!(await markDeleting(store, dataset, input.job_id))) throw datasetNotThere(dataset);
      return capabilities();
    },

    /** Records the drop, checks that the model's vectors can be dropped, and marks the model. */
    async beginDrop(input: BeginUnphasedInput<DropModelRequest>): Promise<BegunUnphased> {
      const { job_id: jobId, workflow_id, request } = input;
      const { dataset: datasetId, model, model_key: modelKey } = request;
      await recordRun(store, { kind: 'drop', dataset: datasetId, embeds: false }, { ...input, continued: false });
      requireWorkflowId(workflow_id, embedWorkflowId(datasetId, model));
      await claimDataset(store, datasetId, jobId, datasetNotThere);
      // An embedding that was terminated has left vectors without a record.
      await refreshModel(store, datasetId, modelKey);
      await beginDrop(store, { jobId, datasetId, modelKey });
      return capabilities();
    },

    /** Asks Temporal to cancel the jobs that write or drop vectors of a dataset. Returns how many still run. */
    async cancelEmbeddings({ dataset }: { dataset: string }): Promise<number> {
      const jobs = await openBesideLoads(store, dataset);
      const running = await Promise.all(jobs.map((job) => cancelRunning(Context.current().client, job)));
      return running.filter((isRunning) => isRunning).length;
    },

    ...ofOpenJobs(store, {
      /** Removes the samples whose files are missing. */
      async pruneMissing({ job_id: jobId, dataset: datasetId }: RemovalInput): Promise<RemovedCounts> {
        return withSteps((steps) => pruneMissing(store, sources, { jobId, datasetId, ...steps }));
      },

      /** Removes the samples below a folder. */
      async forgetSamples({
        job_id: jobId,
        dataset: datasetId,
        folder,
      }: RemovalInput & { folder: string }): Promise<RemovedCounts> {
        return withSteps((steps) => forgetSource(store, { jobId, datasetId, folder, ...steps }));
      },

      /** Removes the vectors of a model. */
      async dropVectors({
        job_id: jobId,
        dataset: datasetId,
        model_key: modelKey,
      }: RemovalInput & { model_key: string }): Promise<RemovedCounts> {
        return withSteps((steps) => dropModel(store, { jobId, datasetId, modelKey, ...steps }));
      },

      /** Pauses the schedules that would load the dataset again. There may be thousands. */
      async pauseSchedules({ job_id: jobId, dataset }: RemovalInput): Promise<void> {
        const { client } = Context.current();
        await withSteps((steps) => pauseSchedulesOf(client, { dataset, jobId, ...steps }));
      },

      /** Deletes a dataset with its samples and vectors. */
      async deleteDocuments({ job_id: jobId, dataset: datasetId }: RemovalInput): Promise<RemovedCounts> {
        return withSteps((steps) => deleteDataset(store, { jobId, datasetId, ...steps }));
      },
    }),
  });
}

/** Cancels a job. Returns false if its workflow has ended, even if its record says otherwise. */
async function cancelRunning(temporal: Client, { _id, workflow_id }: JobReference): Promise<boolean> {
  const handle = handleOf(temporal, { job_id: _id, workflow_id });
  const workflow = await ifFound(handle.describe());
  if (workflow === undefined || jobIdOf(workflow) !== _id || !isRunning(workflow)) return false;
  return (await ifFound(handle.cancel())) !== undefined;
}
