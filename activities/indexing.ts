import { Context } from '@temporalio/activity';
import { type AnnotationsStatus, GROUND_TRUTH } from '../contract/annotations.ts';
import type { LoadDatasetInput, RetryFailedInput } from '../contract/inputs.ts';
import { loadWorkflowId } from '../contract/names.ts';
import { type AnnotationPlan, planAnnotations, planFromFolder } from '../core/annotations/plan.ts';
import { annotationFiles } from '../core/annotations/reading/annotation-files.ts';
import { embeddedBy } from '../core/embedding/already-embedded.ts';
import { recordModel } from '../core/embedding/record-model.ts';
import { UserError } from '../core/errors.ts';
import { chooseMedium, noChunks } from '../core/indexing/choose-medium.ts';
import { finishRetry, type RetryResult } from '../core/indexing/finish-retry.ts';
import { type IndexPageCursor, indexPage } from '../core/indexing/index-page.ts';
import type { IndexingResult } from '../core/indexing/indexing-summary.ts';
import { listFailed } from '../core/indexing/list-failed.ts';
import { createSourceLister, type ListResult } from '../core/indexing/list-source.ts';
import { reconcile } from '../core/indexing/reconcile.ts';
import { endPhase, startPhase } from '../core/jobs/phases.ts';
import type { Media, Medium } from '../core/media/medium.ts';
import { checkRules, createSelection } from '../core/sources/selection.ts';
import type { Sources } from '../core/sources/source.ts';
import { datasetDeletedMeanwhile } from '../core/store/dataset-errors.ts';
import { claimDataset, findDataset, getDataset, openDataset, openIndexing } from '../core/store/datasets.ts';
import { noteAnnotations, noteDevice } from '../core/store/jobs.ts';
import type { Store } from '../core/store/store.ts';
import type { WebhookConfig } from '../core/webhooks/config.ts';
import { createAnnotator, failedStatus, requireAnnotatable } from './annotator.ts';
import { requireArtifactPlace, requireIndexPlace } from './artifact.ts';
import { type Capabilities, type CapabilityDependencies, capabilitiesOf } from './capabilities.ts';
import { checkOptions } from './check-options.ts';
import { type Steps, withSteps } from './heartbeats.ts';
import { type BeginInput, recordRun, requireRun } from './job-runs.ts';
import { requireWorkflowId } from './require-workflow-id.ts';
import { withUserFailures } from './user-failures.ts';

export interface IndexingDependencies extends CapabilityDependencies {
  store: Store;
  media: Media;
  sources: Sources;
  /** If omitted, a job with webhooks is refused. */
  webhooks?: WebhookConfig;
}

/** What beginLoad settles. */
export interface BegunLoad extends Capabilities {
  /** The root of the source. */
  source: string;
  annotations: AnnotationPlan | null;
}

export interface ListSourceInput extends Pick<LoadDatasetInput, 'include' | 'exclude' | 'hidden' | 'reread'> {
  job_id: string;
  dataset: string;
  source: string;
  page: number;
}

export interface PageInput {
  job_id: string;
  dataset: string;
  page: number;
}

export interface IndexPageInput extends PageInput {
  /** Whether the listing took files that looked unchanged. */
  reread: boolean;
}

export interface ReconcileInput {
  job_id: string;
  dataset: string;
  source: string;
  max_failed_percent: number;
  /** The model of phase 2; null if the load does not embed. */
  model: string | null;
  /** Whether that model is to serve searches once it has embedded the dataset. */
  switch?: boolean;
  /** The annotations that the load has read. */
  annotations?: AnnotationPlan;
}

export interface ReconcileResult extends IndexingResult {
  /** The model that has a vector of every sample already, so that phase 2 is over; null if there may be work. */
  embedded_by: string | null;
  annotations?: AnnotationsStatus;
}

/** The second phase of a load that may have nothing to embed. */
interface SkippedEmbedding extends Steps {
  jobId: string;
  datasetId: string;
  model: string;
  switches: boolean;
}

/** @throws UserError InvalidInput */
function checkArtifactIndex({ artifact, artifact_index, embed }: LoadDatasetInput): void {
  if (artifact_index === undefined || (artifact !== undefined && embed)) return;
  throw new UserError(
    'InvalidInput',
    'artifact_index: it is of an artifact, and needs vectors. Name an artifact, and embed.',
    {
      fields: ['artifact_index'],
    },
  );
}

export type IndexingActivities = ReturnType<typeof createIndexingActivities>;

/** Creates the activities of phase 1 of a load and of a retry, which index pages in the same way. */
export function createIndexingActivities(dependencies: IndexingDependencies) {
  const { store, media, sources, webhooks } = dependencies;
  const list = createSourceLister(store, sources);
  const mediumOf = async (dataset: string): Promise<Medium> =>
    media.byName((await getDataset(store, dataset, datasetDeletedMeanwhile)).media_type);

  /** The medium of a load, and how it expands the files. */
  const settleMedium = async (request: LoadDatasetInput, root: string) => {
    const dataset = await findDataset(store, request.dataset);
    const medium =
      request.media !== undefined
        ? media.byName(request.media)
        : dataset !== undefined
          ? media.byName(dataset.media_type)
          : await chooseMedium(media, sources.of(root), root, request);
    if (medium.hasWords !== true && request.artifact !== undefined) throw noChunks(medium);
    // A load of another medium than the dataset's is refused where the dataset is opened.
    const isSame = dataset?.media_type === medium.name;
    return { medium, expansion: await medium.choose?.(request, isSame ? dataset.expansion : undefined) };
  };

  /** The annotations that a load reads: those that it names, or what certainly is one in the folder. */
  const settleAnnotations = async (
    { annotations }: LoadDatasetInput,
    { jobId, root, medium }: { jobId: string; root: string; medium: Medium },
  ): Promise<AnnotationPlan | null> => {
    if (annotations === 'none') return null;
    const files = annotationFiles(sources);
    if (annotations !== undefined) {
      requireAnnotatable(medium);
      // A load's annotations are those of its source.
      return { ...(await planAnnotations(files, annotations)), below: root };
    }
    if (medium.hasAnnotations !== true) return null;
    try {
      return (await planFromFolder(files, root, GROUND_TRUTH)) ?? null;
    } catch (error) {
      await noteAnnotations(store, jobId, failedStatus({ field: GROUND_TRUTH, sets: [], found: true }, error));
      return null;
    }
  };

  /** Ends phase 2 before it begins if nothing lacks a vector, so that nobody waits for a device. Returns the model's key. */
  const skipEmbedding = async (work: SkippedEmbedding) => {
    const { jobId, datasetId, model, switches, onStep, signal } = work;
    const planned_at = new Date();
    const recorded = await embeddedBy(store, { datasetId, model, onScan: () => onStep(), signal });
    if (recorded === undefined) return null;
    await startPhase(store, jobId, 'embedding', { model_key: recorded.key, planned_at, total: 0, total_known: true });
    await recordModel(store, { jobId, datasetId, model: recorded, asked: model, switches });
    await endPhase(store, jobId, 'embedding', 'completed');
    return recorded.key;
  };

  return withUserFailures({
    /** Records the load before it checks the source, so that a load which fails at once is on record too. */
    async beginLoad(input: BeginInput<LoadDatasetInput>): Promise<BegunLoad> {
      const { job_id, workflow_id, request, continued } = input;
      const { dataset, source, embed } = request;
      await recordRun(store, { kind: 'load', dataset, embeds: embed }, input);
      requireWorkflowId(workflow_id, loadWorkflowId(dataset));
      if (!continued) {
        await checkOptions(request, webhooks);
        checkRules(request);
        if (request.artifact !== undefined) await requireArtifactPlace(request.artifact, sources);
        checkArtifactIndex(request);
        if (request.artifact_index !== undefined) await requireIndexPlace(request.artifact_index, sources);
      }
      const root = await sources.of(source).check(source);
      await noteDevice(store, job_id, await sources.of(root).identity(root));
      const { medium, expansion } = await settleMedium(request, root);
      const opened = { datasetId: dataset, mediaType: medium.name, source: root, jobId: job_id };
      const annotations = continued ? null : await settleAnnotations(request, { jobId: job_id, root, medium });
      await openDataset(store, { ...opened, expansion });
      return { ...(await capabilitiesOf(dependencies)), source: root, annotations };
    },

    /** Lists the source for about a second, starting with a page. */
    async listSource({ job_id, dataset, source, page, reread, ...rules }: ListSourceInput): Promise<ListResult> {
      return withSteps(async (steps) => {
        const runId = await requireRun(store, job_id);
        const { accepts } = await mediumOf(dataset);
        const selection = createSelection(accepts, rules);
        return list({ jobId: job_id, runId, datasetId: dataset, root: source, page, selection, reread, ...steps });
      });
    },

    /** Indexes one page. Heartbeats carry the position to resume from. */
    async indexPage({ job_id, dataset, page, reread }: IndexPageInput) {
      const resume = Context.current().info.heartbeatDetails as IndexPageCursor | undefined;
      return withSteps(async ({ onStep, signal }) => {
        await requireRun(store, job_id);
        const equipment = { medium: await mediumOf(dataset), sources };
        return indexPage(store, equipment, {
          jobId: job_id,
          datasetId: dataset,
          page,
          reread,
          resume,
          onWrite: onStep,
          onRead: () => onStep(),
          signal,
        });
      });
    },

    /** Marks missing files, refreshes the counts, gives the samples their annotations, and ends phase 1 of a load. */
    async reconcile(input: ReconcileInput): Promise<ReconcileResult> {
      const { job_id, dataset, source, max_failed_percent, model, switch: switches = false, annotations: plan } = input;
      return withSteps(async (steps) => {
        const runId = await requireRun(store, job_id);
        const work = { jobId: job_id, datasetId: dataset, ...steps };
        const result = await reconcile(store, await mediumOf(dataset), {
          ...work,
          runId,
          source,
          maxFailedPercent: max_failed_percent,
          onWrite: () => steps.onStep(),
        });
        // Files that are gone are marked by now, so that no annotation goes to a sample without a file.
        const annotations =
          plan === undefined
            ? undefined
            : await createAnnotator({ store, sources }, job_id, steps).apply(dataset, plan);
        await endPhase(store, job_id, 'indexing', 'completed');
        // A new sample lacks a vector, and comes last: the dataset would be read to its end to find it.
        const mayBeEmbedded = model !== null && result.outcomes.added === 0;
        return {
          ...result,
          embedded_by: mayBeEmbedded ? await skipEmbedding({ ...work, model, switches }) : null,
          ...(annotations === undefined ? {} : { annotations }),
        };
      });
    },

    /** Records the retry. */
    async beginRetry(input: BeginInput<RetryFailedInput>): Promise<Capabilities> {
      const { job_id, workflow_id, request, continued } = input;
      const { dataset, embed } = request;
      await recordRun(store, { kind: 'retry', dataset, embeds: embed }, input);
      requireWorkflowId(workflow_id, loadWorkflowId(dataset));
      if (!continued) await checkOptions(request, webhooks);
      await claimDataset(store, dataset, job_id);
      await openIndexing(store, dataset, job_id);
      return capabilitiesOf(dependencies);
    },

    /** Lists the samples that failed for about a second, starting with a page. */
    async listFailed({ job_id, dataset, page }: PageInput): Promise<ListResult> {
      return withSteps(async (steps) => {
        const runId = await requireRun(store, job_id);
        return listFailed(store, sources, { jobId: job_id, runId, datasetId: dataset, page, ...steps });
      });
    },

    /** Refreshes the counts and ends phase 1 of a retry. */
    async finishRetry({ job_id, dataset }: { job_id: string; dataset: string }): Promise<RetryResult> {
      return withSteps(async ({ onStep, signal }) => {
        const runId = await requireRun(store, job_id);
        const scan = { onScan: () => onStep(), signal };
        const result = await finishRetry(store, { jobId: job_id, runId, datasetId: dataset, ...scan });
        await endPhase(store, job_id, 'indexing', 'completed');
        return result;
      });
    },
  });
}
