import type { AnnotationsStatus } from '../contract/annotations.ts';
import type { AnnotateDatasetInput } from '../contract/inputs.ts';
import { type AnnotationPlan, planAnnotations } from '../core/annotations/plan.ts';
import { annotationFiles } from '../core/annotations/reading/annotation-files.ts';
import type { Media } from '../core/media/medium.ts';
import type { Sources } from '../core/sources/source.ts';
import { datasetNotThere } from '../core/store/dataset-errors.ts';
import { claimDataset, getDataset } from '../core/store/datasets.ts';
import type { Store } from '../core/store/store.ts';
import { checkWebhooks } from '../core/webhooks/check.ts';
import type { WebhookConfig } from '../core/webhooks/config.ts';
import { type Annotator, createAnnotator, requireAnnotatable } from './annotator.ts';
import { withSteps } from './heartbeats.ts';
import { requireRun } from './job-runs.ts';
import { type BeginUnphasedInput, type BegunUnphased, recordUnphased } from './record-unphased.ts';
import { withUserFailures } from './user-failures.ts';

export interface AnnotationDependencies {
  store: Store;
  media: Media;
  sources: Sources;
  /** Whether this namespace has Plimsoll's search attributes. */
  searchAttributes: () => Promise<boolean>;
  /** If omitted, a job with webhooks is refused. */
  webhooks?: WebhookConfig;
}

export interface ReadAnnotationsInput {
  job_id: string;
  plan: AnnotationPlan;
}

export interface ApplyAnnotationsInput extends ReadAnnotationsInput {
  dataset: string;
}

export interface RemoveFieldInput {
  job_id: string;
  dataset: string;
  field: string;
}

export type AnnotationActivities = ReturnType<typeof createAnnotationActivities>;

/** Creates the activities that read annotations and give them to samples. */
export function createAnnotationActivities(dependencies: AnnotationDependencies) {
  const { store, media, sources, searchAttributes, webhooks } = dependencies;
  const annotating = (jobId: string, work: (annotator: Annotator) => Promise<AnnotationsStatus>) =>
    withSteps(async (steps) => {
      await requireRun(store, jobId);
      return work(createAnnotator({ store, sources }, jobId, steps));
    });

  return withUserFailures({
    /** Records the annotation before it looks at its files. Returns what it reads; null if it removes a field. */
    async beginAnnotate(
      input: BeginUnphasedInput<AnnotateDatasetInput>,
    ): Promise<BegunUnphased & { plan: AnnotationPlan | null }> {
      const { job_id, request } = input;
      await recordUnphased(store, 'annotate', input);
      await checkWebhooks(webhooks, request.webhooks);
      await claimDataset(store, request.dataset, job_id, datasetNotThere);
      requireAnnotatable(media.byName((await getDataset(store, request.dataset)).media_type));
      const { annotations } = request;
      const plan = annotations === undefined ? null : await planAnnotations(annotationFiles(sources), annotations);
      return { search_attributes: await searchAttributes(), plan };
    },

    /** Reads annotations and stores what they say. */
    readAnnotations: ({ job_id, plan }: ReadAnnotationsInput) =>
      annotating(job_id, (annotator) => annotator.read(plan)),

    /** Gives the samples of a dataset what was read. */
    applyAnnotations: ({ job_id, dataset, plan }: ApplyAnnotationsInput) =>
      annotating(job_id, (annotator) => annotator.apply(dataset, plan)),

    /** Removes a field of annotations from every sample of a dataset. */
    removeAnnotationField: ({ job_id, dataset, field }: RemoveFieldInput) =>
      annotating(job_id, (annotator) => annotator.remove(dataset, field)),
  });
}
