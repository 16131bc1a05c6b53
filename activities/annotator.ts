import type { AnnotationsStatus } from '../contract/annotations.ts';
import { applyAnnotations } from '../core/annotations/apply.ts';
import type { AppliedCounts } from '../core/annotations/counts.ts';
import type { AnnotationPlan } from '../core/annotations/plan.ts';
import { annotationFiles } from '../core/annotations/reading/annotation-files.ts';
import { removeField } from '../core/annotations/remove.ts';
import { MAX_NAMED, stageAnnotations } from '../core/annotations/stage.ts';
import { UserError } from '../core/errors.ts';
import type { Medium } from '../core/media/medium.ts';
import type { Sources } from '../core/sources/source.ts';
import { forgetField } from '../core/store/annotations.ts';
import type { ReadingDocument } from '../core/store/documents.ts';
import { noteAnnotations } from '../core/store/jobs.ts';
import type { Store } from '../core/store/store.ts';
import type { Steps } from './heartbeats.ts';
import { createNoter } from './noter.ts';

/** The work on the annotations of one job, whose record shows how far it is. */
export interface Annotator {
  /** Reads annotations and stores what they say. An attempt after a crash goes on behind what is stored. */
  read(plan: AnnotationPlan): Promise<AnnotationsStatus>;
  /** Gives the samples of a dataset what was read, and reads first what is not read yet. */
  apply(datasetId: string, plan: AnnotationPlan): Promise<AnnotationsStatus>;
  /** Removes a field of annotations from every sample. */
  remove(datasetId: string, field: string): Promise<AnnotationsStatus>;
}

export function createAnnotator(
  { store, sources }: { store: Store; sources: Sources },
  jobId: string,
  { onStep: step, signal }: Steps,
): Annotator {
  // The heartbeats carry no position: what was read is stored, and what was applied is found in the samples.
  const onStep = () => step();
  const { note, last } = createNoter((status: AnnotationsStatus) => noteAnnotations(store, jobId, status));
  let unreadable: string[] = [];
  const files = annotationFiles(sources, (folder) => unreadable.push(folder));
  const takeUnreadable = () => {
    const taken = unreadable;
    unreadable = [];
    return taken;
  };
  const stage = (plan: AnnotationPlan) =>
    stageAnnotations(store, files, plan, {
      jobId,
      takeUnreadable,
      onStep,
      onStored: (reading) => note(readingStatus(plan, reading)),
      signal,
    });
  return {
    async read(plan) {
      // The record says from here on that there is something to remove at the end.
      note(readingStatus(plan, undefined));
      const reading = stage(plan).then((done) => readingStatus(plan, done));
      return last(await reading.catch((error: unknown) => failedStatus(plan, error)));
    },
    async apply(datasetId, plan) {
      // A workflow that was reset may come here without what it had read.
      const reading = await stage(plan);
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
        onStep,
        onProgress: (applied) => note(status('applying', applied)),
        signal,
      });
      return last(status('completed', counts));
    },
    async remove(datasetId, field) {
      const removed = await removeField(store, { datasetId, field, onStep, signal });
      await forgetField(store, datasetId, field);
      return last({ ...emptyStatus(field), state: 'completed', removed });
    },
  };
}

/**
 * Requires that samples of a medium can have annotations.
 *
 * @throws UserError InvalidInput
 */
export function requireAnnotatable({ name, hasAnnotations }: Medium): void {
  if (hasAnnotations === true) return;
  throw new UserError(
    'InvalidInput',
    `annotations: samples of the medium ${name} have none. Load images, or leave them out.`,
    {
      fields: ['annotations'],
    },
  );
}

/**
 * The status of annotations that can't be read, if nobody has named them. Folders that were loaded before they were looked
 * for go on to be loaded. Throws every other error.
 */
export function failedStatus(
  plan: Pick<AnnotationPlan, 'field' | 'sets' | 'found'>,
  error: unknown,
): AnnotationsStatus {
  if (!plan.found || !(error instanceof UserError) || !UNREADABLE.includes(error.code)) throw error;
  const { code, message } = error;
  return {
    ...emptyStatus(plan.field),
    paths: plan.sets.slice(0, MAX_NAMED),
    found: true,
    state: 'failed',
    error: { code, message },
  };
}

const UNREADABLE: readonly string[] = ['AnnotationsNotFound', 'AnnotationsUnclear', 'AnnotationsBroken'];

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
  const { bytes, objects, invalid, invalid_named } = reading ?? {
    bytes: 0,
    objects: 0,
    invalid: {},
    invalid_named: [],
  };
  return { ...emptyStatus(field), paths: sets.slice(0, MAX_NAMED), found, bytes, objects, invalid, invalid_named };
}
