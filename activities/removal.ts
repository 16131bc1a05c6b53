import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { ForgetSourceRequest } from '../contract/inputs.ts';
import type { RemovedCounts } from '../contract/job.ts';
import { deleteDataset } from '../core/deleting/delete-dataset.ts';
import { forgetSource } from '../core/deleting/forget-source.ts';
import { pruneMissing } from '../core/deleting/prune-missing.ts';
import { folderNameOf } from '../core/folders.ts';
import { requireInDataset } from '../core/sources/require-in-dataset.ts';
import type { Sources } from '../core/sources/source.ts';
import { datasetNotThere } from '../core/store/dataset-errors.ts';
import { claimDataset, markDeleting } from '../core/store/datasets.ts';
import { type JobReference, openEmbeddingsOf } from '../core/store/jobs.ts';
import type { Store } from '../core/store/store.ts';
import { handleOf, ifFound, isRunning, jobIdOf } from '../temporal/jobs.ts';
import { pauseSchedulesOf } from '../temporal/schedules.ts';
import { type BeginUnphasedInput, type BegunUnphased, recordUnphased } from './record-unphased.ts';
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

/** Creates the activities that remove samples or a dataset. */
export function createRemovalActivities({ store, sources, searchAttributes }: RemovalDependencies) {
  const capabilities = async (): Promise<BegunUnphased> => ({ search_attributes: await searchAttributes() });

  const steps = ({ job_id, dataset }: RemovalInput) => {
    const context = Context.current();
    return {
      jobId: job_id,
      datasetId: dataset,
      onStep: () => context.heartbeat(),
      signal: context.cancellationSignal,
    };
  };

  return withUserFailures({
    /** Records the prune. */
    async beginPrune(input: BeginUnphasedInput): Promise<BegunUnphased> {
      await recordUnphased(store, 'prune', input);
      await claimDataset(store, input.request.dataset, input.job_id, datasetNotThere);
      return capabilities();
    },

    /** Removes the samples whose files are missing. Heartbeats after each batch. */
    async pruneMissing(input: RemovalInput): Promise<RemovedCounts> {
      return pruneMissing(store, sources, steps(input));
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

    /** Removes the samples below a folder. Heartbeats after each batch. */
    async forgetSamples(input: RemovalInput & { folder: string }): Promise<RemovedCounts> {
      return forgetSource(store, { ...steps(input), folder: input.folder });
    },

    /** Records the deletion and marks the dataset, so that no other job begins on it. */
    async beginDelete(input: BeginUnphasedInput): Promise<BegunUnphased> {
      const { dataset } = input.request;
      await recordUnphased(store, 'delete', input);
      if (!(await markDeleting(store, dataset, input.job_id))) throw datasetNotThere(dataset);
      return capabilities();
    },

    /**
     * Pauses the schedules that would load the dataset again. Heartbeats while it lists them; there may be thousands.
     */
    async pauseSchedules({ job_id, dataset }: RemovalInput): Promise<void> {
      const context = Context.current();
      await pauseSchedulesOf(context.client, {
        dataset,
        jobId: job_id,
        onStep: () => context.heartbeat(),
        signal: context.cancellationSignal,
      });
    },

    /** Asks Temporal to cancel the embed jobs of a dataset. Returns how many still run. */
    async cancelEmbeddings({ dataset }: { dataset: string }): Promise<number> {
      const jobs = await openEmbeddingsOf(store, dataset);
      const running = await Promise.all(jobs.map((job) => cancelRunning(Context.current().client, job)));
      return running.filter((isRunning) => isRunning).length;
    },

    /** Deletes a dataset with its samples and vectors. Heartbeats after each batch. */
    async deleteDocuments(input: RemovalInput): Promise<RemovedCounts> {
      return deleteDataset(store, steps(input));
    },
  });
}

/** Cancels a job. Returns false if its workflow has ended, even if its record says otherwise. */
async function cancelRunning(temporal: Client, { _id, workflow_id }: JobReference): Promise<boolean> {
  const handle = handleOf(temporal, { job_id: _id, workflow_id });
  const workflow = await ifFound(handle.describe());
  if (workflow === undefined || jobIdOf(workflow) !== _id || !isRunning(workflow)) return false;
  return (await ifFound(handle.cancel())) !== undefined;
}
