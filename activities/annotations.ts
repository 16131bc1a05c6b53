import type { AnnotationsStatus } from '../contract/annotations.ts';
import type { AnnotateDatasetInput } from '../contract/inputs.ts';
import { type AppliedCounts, applyAnnotations, removeField } from '../core/annotations/apply.ts';
import { type AnnotationPlan, planAnnotations } from '../core/annotations/plan.ts';
import { annotationFiles } from '../core/annotations/reading/annotation-files.ts';
import { stageAnnotations } from '../core/annotations/stage.ts';
import { UserError } from '../core/errors.ts';
import type { Media, Medium } from '../core/media/medium.ts';
import type { Sources } from '../core/sources/source.ts';
import { forgetField } from '../core/store/annotations.ts';
import { datasetNotThere } from '../core/store/dataset-errors.ts';
import { claimDataset, getDataset } from '../core/store/datasets.ts';
import type { ReadingDocument } from '../core/store/documents.ts';
import { noteAnnotations } from '../core/store/jobs.ts';
import type { Store } from '../core/store/store.ts';
import type { WebhookConfig } from '../core/webhooks/config.ts';
import { checkOptions } from './check-options.ts';
import { withSteps } from './heartbeats.ts';
import { ofOpenJobs, requireRun } from './job-runs.ts';
import { type BeginUnphasedInput, type BegunUnphased, recordUnphased } from './record-unphased.ts';
import { withUserFailures } from './user-failures.ts';

export interface AnnotationDependencies {
  store: Store;
  media: Media;
  sources: Sources;
  /** Whether this namespace has Plimsoll's search attributes. */
  searchAttributes: () => Promise<boolean>;
  webhooks?: WebhookConfig;
}

export interface AnnotationInput {
  job_id: string;
  dataset: string;
  plan: AnnotationPlan;
}

export interface RemoveFieldInput {
  job_id: string;
  dataset: string;
  field: string;
}

export type AnnotationActivities = ReturnType<typeof createAnnotationActivities>;

/** The record shows the progress this often. */
const NOTE_EVERY_MS = 1000;

/** Creates the activities that read annotations and give them to samples. */
export function createAnnotationActivities(dependencies: AnnotationDependencies) {
  const { store, media, sources, searchAttributes, webhooks } = dependencies;
  const files = annotationFiles(sources);

  /** Notes how far a job is, once a second at most. A lost note costs nothing: the next one follows. */
  const noter = (jobId: string) => {
    let noted = Promise.resolve();
    let notedAt = Number.NEGATIVE_INFINITY;
    return {
      note(status: AnnotationsStatus) {
        if (performance.now() - notedAt < NOTE_EVERY_MS) return;
        notedAt = performance.now();
        noted = noted.then(() => noteAnnotations(store, jobId, status)).catch(() => undefined);
      },
      async last(status: AnnotationsStatus): Promise<AnnotationsStatus> {
        await noted;
        await noteAnnotations(store, jobId, status);
        return status;
      },
    };
  };

  /** Reads what is not read yet. */
  const read = (
    { job_id: jobId, plan }: AnnotationInput,
    { onStep, signal }: { onStep: () => void; signal: AbortSignal },
    note: (status: AnnotationsStatus) => void,
  ): Promise<ReadingDocument> =>
    stageAnnotations(store, files, plan, {
      jobId,
      onStep,
      onStored: (reading) => note(readingStatus(plan, reading)),
      signal,
    });

  return withUserFailures({
    /** Records the annotation before it looks at its files. Returns what it reads. */
    async beginAnnotate(
      input: BeginUnphasedInput<AnnotateDatasetInput>,
    ): Promise<BegunUnphased & { plan: AnnotationPlan | null }> {
      const { job_id, request } = input;
      await recordUnphased(store, 'annotate', input);
      await checkOptions(request, webhooks);
      await claimDataset(store, request.dataset, job_id, datasetNotThere);
      const dataset = await getDataset(store, request.dataset);
      requireAnnotatable(media.byName(dataset.media_type));
      const plan = request.annotations === undefined ? null : await planAnnotations(files, request.annotations);
      return { search_attributes: await searchAttributes(), plan };
    },

    ...ofOpenJobs(store, {
      /** Reads annotations and stores what they say. An attempt after a crash goes on behind what is stored. */
      async readAnnotations(input: AnnotationInput): Promise<AnnotationsStatus> {
        return withSteps(async (steps) => {
          await requireRun(store, input.job_id);
          const { note, last } = noter(input.job_id);
          // The record says from here on that there is something to remove at the end.
          note(readingStatus(input.plan, undefined));
          return last(readingStatus(input.plan, await read(input, withoutDetails(steps), note)));
        });
      },

      /** Gives the samples what was read. A workflow that was reset may come here without it: then it is read now. */
      async applyAnnotations(input: AnnotationInput): Promise<AnnotationsStatus> {
        const { job_id: jobId, dataset: datasetId, plan } = input;
        return withSteps(async (steps) => {
          await requireRun(store, jobId);
          const { note, last } = noter(jobId);
          const reading = await read(input, withoutDetails(steps), note);
          const status = (state: AnnotationsStatus['state'], counts: AppliedCounts): AnnotationsStatus => ({
            ...readingStatus(plan, reading),
            ...counts,
            state,
          });
          const counts = await applyAnnotations(store, {
            jobId,
            datasetId,
            plan,
            reading,
            onProgress: (applied) => note(status('applying', applied)),
            ...withoutDetails(steps),
          });
          return last(status('completed', counts));
        });
      },

      /** Removes a field of annotations from every sample of a dataset. */
      async removeAnnotationField({ job_id: jobId, dataset: datasetId, field }: RemoveFieldInput): Promise<AnnotationsStatus> {
        return withSteps(async (steps) => {
          await requireRun(store, jobId);
          const removed = await removeField(store, { datasetId, field, ...withoutDetails(steps) });
          await forgetField(store, datasetId, field);
          const status: AnnotationsStatus = { ...emptyStatus(field), state: 'completed', removed };
          await noteAnnotations(store, jobId, status);
          return status;
        });
      },
    }),
  });
}

/** The heartbeats carry no position: what was read is stored, and what was applied is found in the samples. */
const withoutDetails = ({ onStep, signal }: { onStep(): void; signal: AbortSignal }) => ({
  onStep: () => onStep(),
  signal,
});

/**
 * Requires that samples of a medium can have annotations.
 *
 * @throws UserError InvalidInput
 */
export function requireAnnotatable({ name, hasAnnotations }: Medium): void {
  if (hasAnnotations === true) return;
  throw new UserError('InvalidInput', `annotations: samples of the medium ${name} have none. Load images, or leave them out.`, {
    fields: ['annotations'],
  });
}

const emptyStatus = (field: string): AnnotationsStatus => ({
  state: 'reading',
  field,
  paths: [],
  found: false,
  bytes: 0,
  objects: 0,
  matched: 0,
  changed: 0,
  removed: 0,
  without_annotations: 0,
  without_sample: 0,
  without_sample_names: [],
  clipped: 0,
  outside: 0,
  invalid: {},
  invalid_named: [],
});

function readingStatus(
  { field, sets, found }: AnnotationPlan,
  reading: Pick<ReadingDocument, 'bytes' | 'objects' | 'invalid' | 'invalid_named'> | undefined,
): AnnotationsStatus {
  const { bytes, objects, invalid, invalid_named } = reading ?? { bytes: 0, objects: 0, invalid: {}, invalid_named: [] };
  return { ...emptyStatus(field), paths: sets, found, bytes, objects, invalid, invalid_named };
}
