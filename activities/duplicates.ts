import type { FindDuplicatesInput } from '../contract/inputs.ts';
import type { ComparedCounts } from '../contract/job.ts';
import { duplicatesWorkflowId } from '../contract/names.ts';
import type { Comparer } from '../core/search/duplicates/comparer.ts';
import { joinGroups } from '../core/search/duplicates/join-groups.ts';
import { type ComparedChunk, type ComparisonPlan, planComparison } from '../core/search/duplicates/plan.ts';
import { modelToSearch } from '../core/search/model-to-search.ts';
import { claimDataset, getDataset } from '../core/store/datasets.ts';
import { hasPairs, writePairs } from '../core/store/duplicates.ts';
import { jobEnded } from '../core/store/job-errors.ts';
import type { Store } from '../core/store/store.ts';
import { checkWebhooks } from '../core/webhooks/check.ts';
import type { WebhookConfig } from '../core/webhooks/config.ts';
import { withSteps } from './heartbeats.ts';
import { recordRun, requireRun } from './job-runs.ts';
import { requireWorkflowId } from './require-workflow-id.ts';
import { withUserFailures } from './user-failures.ts';

export interface DuplicatesDependencies {
  store: Store;
  comparer: Comparer;
  /** Whether this namespace has Plimsoll's search attributes. */
  searchAttributes: () => Promise<boolean>;
  /** If omitted, a job with webhooks is refused. */
  webhooks?: WebhookConfig;
}

export interface BeginDuplicatesInput {
  job_id: string;
  workflow_id: string;
  request: FindDuplicatesInput;
}

export interface BegunDuplicates {
  search_attributes: boolean;
  model_key: string;
  /** The number of elements of a vector. */
  dim: number;
}

export interface PlanDuplicatesInput {
  job_id: string;
  dataset: string;
  model_key: string;
}

/** The input that all activities of a planned search share. */
export interface PlannedDuplicates extends PlanDuplicatesInput {
  dim: number;
  threshold: number;
  /** Names the plan: the run that has made it. */
  plan: string;
  exact: boolean;
}

export interface CompareVectorsInput extends PlannedDuplicates {
  chunk: ComparedChunk;
}

export type DuplicatesActivities = ReturnType<typeof createDuplicatesActivities>;

/** Creates the activities that find duplicates by their vectors. */
export function createDuplicatesActivities(dependencies: DuplicatesDependencies) {
  const { store, comparer, searchAttributes, webhooks } = dependencies;
  return withUserFailures({
    /** Records the search, and chooses the model whose vectors are compared. */
    async beginDuplicates(input: BeginDuplicatesInput): Promise<BegunDuplicates> {
      const { job_id, workflow_id, request } = input;
      const { dataset, model } = request;
      await recordRun(store, { kind: 'duplicates', dataset, embeds: false }, { ...input, continued: false });
      requireWorkflowId(workflow_id, duplicatesWorkflowId(dataset));
      await claimDataset(store, dataset, job_id);
      await checkWebhooks(webhooks, request.webhooks);
      const { key, dim } = await modelToSearch(store, await getDataset(store, dataset), model);
      return { search_attributes: await searchAttributes(), model_key: key, dim };
    },

    /** Divides the vectors into chunks. */
    async planDuplicates({ job_id, dataset, model_key }: PlanDuplicatesInput): Promise<ComparisonPlan> {
      return withSteps(async ({ onStep, signal }) => {
        const plan = await requireRun(store, job_id);
        const set = { datasetId: dataset, modelKey: model_key };
        return planComparison(store, { jobId: job_id, plan, set, onStep: () => onStep(), signal });
      });
    },

    /** Compares the vectors of a chunk with the others, and stores the pairs that it finds. */
    async compareVectors(input: CompareVectorsInput): Promise<void> {
      const { job_id: jobId, dataset, model_key, dim, threshold, plan, exact, chunk } = input;
      await withSteps(async ({ onStep, signal }) => {
        await requireRun(store, jobId);
        const [from, to, count] = chunk;
        // An attempt before this one may have stored them, and died.
        if (await hasPairs(store, { jobId, plan }, from)) return;
        const set = { datasetId: dataset, modelKey: model_key, dim };
        const request = { set, plan: `${jobId}/${plan}`, exact, threshold, from, to, onStep: () => onStep(), signal };
        const pairs = await comparer.compare(request);
        if (!(await writePairs(store, { jobId, plan }, { from, count, pairs }))) throw jobEnded(jobId);
      });
    },

    /** Joins the pairs into groups, and publishes them. */
    async joinDuplicates(input: PlannedDuplicates): Promise<ComparedCounts> {
      const { job_id: jobId, dataset, model_key, threshold, plan, exact } = input;
      return withSteps(async ({ onStep, signal }) => {
        await requireRun(store, jobId);
        const set = { datasetId: dataset, modelKey: model_key };
        return joinGroups(store, { jobId, plan, set, threshold, exact, onStep: () => onStep(), signal });
      });
    },
  });
}
