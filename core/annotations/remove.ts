import {
  type AnnotatedSample,
  type AnnotationRemoval,
  removeAnnotations,
  samplesWithField,
} from '../store/annotations.ts';
import type { ClassCount } from '../store/documents.ts';
import type { Store } from '../store/store.ts';
import { isOf } from './classes.ts';
import type { AnnotationPlan } from './plan.ts';
import type { SeqSet } from './seq-set.ts';

/** Samples that are written together. */
const BATCH = 500;

interface Removing {
  datasetId: string;
  onStep: () => void;
  signal: AbortSignal;
}

/**
 * Removes what the same paths gave before and no longer give. Returns the number of samples that have lost some.
 *
 * @param named the samples that each set names, by its key
 */
export async function removeStale(
  store: Store,
  plan: AnnotationPlan,
  named: ReadonlyMap<string, SeqSet>,
  removing: Removing,
): Promise<number> {
  const { field, from, replace } = plan;
  // A sample that is missing keeps what it has: its file may come back.
  const samples = samplesWithField(store, { datasetId: removing.datasetId, field, which: 'there' });
  return removeOf(store, field, removing, samples, ({ seq, from: given, sets }) => {
    // A sample that is named and could not be given its own keeps what it has.
    if (given !== from) return replace && ![...named.values()].some((set) => set.has(seq)) ? 'all' : [];
    const leaving = sets.filter((set) => !named.get(set)?.has(seq));
    return leaving.length === sets.length ? 'all' : leaving;
  });
}

/** Removes a field from every sample of a dataset. Returns the number of samples. */
export async function removeField(store: Store, { field, ...removing }: Removing & { field: string }): Promise<number> {
  const samples = samplesWithField(store, { datasetId: removing.datasetId, field, which: 'all' });
  return removeOf(store, field, removing, samples, () => 'all');
}

type Leaving = AnnotationRemoval['sets'];

async function removeOf(
  store: Store,
  field: string,
  { onStep, signal }: Removing,
  samples: ReturnType<typeof samplesWithField>,
  leavingOf: (sample: AnnotatedSample) => Leaving,
): Promise<number> {
  let removed = 0;
  let batch: AnnotationRemoval[] = [];
  for await (const sample of samples) {
    signal.throwIfAborted();
    const leaving = leavingOf(sample);
    if (leaving.length === 0) continue;
    removed += 1;
    const leaves = (each: ClassCount) =>
      leaving === 'all' ? isOf(each, field) : leaving.some((set) => isOf(each, field, set));
    batch.push({ _id: sample._id, sets: leaving, classes: sample.classes.filter((each) => !leaves(each)) });
    if (batch.length < BATCH) continue;
    await removeAnnotations(store, field, batch);
    batch = [];
    onStep();
  }
  await removeAnnotations(store, field, batch);
  return removed;
}
