import { createHash } from 'node:crypto';
import type { Annotation, AnnotationClass } from '../../contract/annotation.ts';
import {
  type AnnotationRemoval,
  type AnnotationUpdate,
  type FieldSet,
  recordField,
  removeAnnotations,
  type SampleToAnnotate,
  samplesWithField,
  writeAnnotations,
} from '../store/annotations.ts';
import { getDataset } from '../store/datasets.ts';
import type { AnnotationSet, ClassCount, ReadingDocument } from '../store/documents.ts';
import { countSamples } from '../store/samples.ts';
import { stagedPieces } from '../store/staged-annotations.ts';
import type { Store } from '../store/store.ts';
import { BUCKETS, piecesOf } from './buckets.ts';
import type { InvalidAnnotation } from './formats/format.ts';
import { type AnnotatedImage, joinPieces } from './join.ts';
import { createMatcher, type Match } from './match.ts';
import { frameOf } from './place.ts';
import type { AnnotationPlan } from './plan.ts';
import { createSeqSet, type SeqSet } from './seq-set.ts';
import { MAX_NAMED, MAX_PIECE_BYTES, withInvalid } from './stage.ts';

/** What applying annotations has done so far. */
export interface AppliedCounts {
  matched: number;
  changed: number;
  removed: number;
  without_annotations: number;
  without_sample: number;
  without_sample_names: string[];
  clipped: number;
  outside: number;
  invalid: Record<string, number>;
  invalid_named: ReadingDocument['invalid_named'];
}

export interface ApplyRequest {
  jobId: string;
  datasetId: string;
  plan: AnnotationPlan;
  reading: ReadingDocument;
  onStep: () => void;
  onProgress: (counts: AppliedCounts) => void;
  signal: AbortSignal;
}

/** Images that are matched and written together. */
const BATCH = 500;

/**
 * Gives the samples of a dataset what was read. A sample that has the same already is left as it is, so an attempt after
 * a crash, and a job that repeats another one, write only what is new.
 */
export async function applyAnnotations(store: Store, request: ApplyRequest): Promise<AppliedCounts> {
  const { datasetId, plan, reading, onStep, onProgress, signal } = request;
  const dataset = await getDataset(store, datasetId);
  const { field, from, sets } = plan;
  const wasGiven = dataset.annotation_fields?.some(({ name, from: known }) => name === field && known.includes(from));
  // Noted before the first write: what a job that broke off has written is found by the next one.
  await recordField(store, datasetId, { field, from, classes: JSON.parse(reading.classes) as AnnotationClass[] });

  const counts: AppliedCounts = { ...noCounts(), invalid: reading.invalid, invalid_named: reading.invalid_named };
  const named = sets.map(() => createSeqSet());
  for (const set of sets.keys()) {
    const fields: FieldSet = { datasetId, field, set };
    const matcher = createMatcher(store, fields, dataset.sources, onStep);
    const writer = createWriter(store, request, fields, named[set] as SeqSet, counts);
    let writing = Promise.resolve();
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const images = joinPieces(piecesOf(await stagedPieces(store, reading, { set, bucket })));
      for (let at = 0; at < images.length; at += BATCH) {
        signal.throwIfAborted();
        const batch = images.slice(at, at + BATCH);
        const matches = await matcher.match(batch);
        const updates = writer.updatesOf(batch, matches);
        // The next batch is read while this one is written.
        await writing;
        writing = writeAnnotations(store, fields, updates);
        writing.catch(() => undefined);
        onStep();
        onProgress(withMatched(counts, named));
      }
    }
    await writing;
  }
  if (wasGiven === true || plan.replace) counts.removed = await removeStale(store, request, named);
  const matched = withMatched(counts, named);
  const indexed = await countSamples(store, datasetId, 'indexed');
  return { ...matched, without_annotations: Math.max(0, indexed - matched.matched) };
}

const noCounts = (): AppliedCounts => ({
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

const withMatched = (counts: AppliedCounts, named: readonly SeqSet[]): AppliedCounts => ({
  ...counts,
  matched: named.length === 1 ? (named[0]?.size ?? 0) : unionSize(named),
});

function unionSize(sets: readonly SeqSet[]): number {
  const all = createSeqSet();
  for (const set of sets) all.addAll(set);
  return all.size;
}

function createWriter(
  store: Store,
  { jobId, plan }: ApplyRequest,
  { field, set }: FieldSet,
  named: SeqSet,
  counts: AppliedCounts,
) {
  const { path } = plan.sets[set] as AnnotationPlan['sets'][number];
  const refuse = (each: Omit<InvalidAnnotation, 'file'>) => Object.assign(counts, withInvalid(counts, { ...each, file: path }));

  const placeAll = (image: AnnotatedImage, { metadata = {} }: SampleToAnnotate): Annotation[] => {
    const { width, height, orientation = 1 } = metadata as { width?: number; height?: number; orientation?: number };
    const picture = width !== undefined && height !== undefined ? { width, height, orientation } : undefined;
    const frame = frameOf(picture, image.image ?? {});
    const placed: Annotation[] = [];
    for (const { unit, annotations } of image.parts) {
      for (const annotation of annotations) {
        const result = frame.place(annotation, unit);
        if ('annotation' in result) {
          placed.push(result.annotation);
          if (result.clipped) counts.clipped += 1;
        } else if (result.problem === 'outside') counts.outside += 1;
        else refuse({ reason: result.problem, message: `${image.image?.name ?? image.key}: ${result.message}` });
      }
    }
    return placed;
  };

  const updateOf = (image: AnnotatedImage, sample: SampleToAnnotate): AnnotationUpdate | undefined => {
    const objects = placeAll(image, sample);
    const json = JSON.stringify(objects);
    if (json.length > MAX_PIECE_BYTES) {
      refuse({ reason: 'too_many', message: `${sample.filepath} has ${objects.length} objects, in more bytes than can be stored.` });
      return undefined;
    }
    const split = plan.split ?? image.split;
    const fingerprint = createHash('sha256').update(json).digest('hex').slice(0, 32);
    const stored = sample.annotations?.[field];
    const isOurs = stored?.from === plan.from;
    const before = isOurs ? stored?.sets?.[set] : undefined;
    const lacksTag = image.tags.some((tag) => !sample.tags.includes(tag));
    if (before?.fingerprint === fingerprint && (split === undefined || split === sample.split) && !lacksTag) {
      // An attempt before this one may have written it.
      if (before.job_id === jobId) counts.changed += 1;
      return undefined;
    }
    counts.changed += 1;
    const annotations: AnnotationSet = { fingerprint, job_id: jobId, objects };
    const others = (sample.classes ?? []).filter((each) => !isOf(each, field, isOurs ? set : undefined));
    return {
      _id: sample._id,
      replaces: isOurs ? 'set' : 'field',
      from: plan.from,
      annotations,
      classes: [...others, ...classesOf(objects, field, set)],
      split,
      tags: image.tags,
    };
  };

  return {
    /** What is to be written of a batch of images. */
    updatesOf(images: readonly AnnotatedImage[], matches: readonly Match[]): AnnotationUpdate[] {
      const updates: AnnotationUpdate[] = [];
      for (const [i, image] of images.entries()) {
        const match = matches[i] as Match;
        const name = image.image?.name ?? image.key;
        if (match === 'none') {
          counts.without_sample += 1;
          if (counts.without_sample_names.length < MAX_NAMED) counts.without_sample_names.push(name.slice(0, 1000));
        } else if (match === 'several') {
          refuse({ reason: 'unclear_image', message: `"${name}" may be several images of the dataset.` });
        } else if (!named.add(match.seq)) {
          refuse({ reason: 'unclear_image', message: `"${name}" is ${match.filepath}, which another entry names too.` });
        } else if (!image.tooMany) {
          const update = updateOf(image, match);
          if (update !== undefined) updates.push(update);
        }
      }
      return updates;
    },
  };
}

/** Whether a class belongs to a field, and to this set of it. */
const isOf = (each: ClassCount, field: string, set: number | undefined) =>
  each.field === field && (set === undefined || each.set === set);

function classesOf(objects: readonly Annotation[], field: string, set: number): ClassCount[] {
  const byLabel = new Map<string, number>();
  for (const { label } of objects) if (label !== undefined) byLabel.set(label, (byLabel.get(label) ?? 0) + 1);
  return [...byLabel].map(([label, n]) => ({ label, field, set, objects: n }));
}

/** Removes what the same paths gave before and no longer give. Returns the number of samples that have lost some. */
async function removeStale(
  store: Store,
  { datasetId, plan, onStep, signal }: ApplyRequest,
  named: readonly SeqSet[],
): Promise<number> {
  const { field, from, replace } = plan;
  let removed = 0;
  let batch: AnnotationRemoval[] = [];
  const flush = async () => {
    await removeAnnotations(store, field, batch);
    batch = [];
  };
  // A sample that is missing keeps what it has: its file may come back.
  for await (const sample of samplesWithField(store, { datasetId, field, which: 'there' })) {
    signal.throwIfAborted();
    const { _id, seq, classes } = sample;
    const stays = sample.from === from ? sample.sets.filter((set) => named[Number(set)]?.has(seq)) : [];
    if (sample.from !== from && !replace) continue;
    if (stays.length === sample.sets.length) continue;
    removed += 1;
    const leaves = sample.sets.filter((set) => !stays.includes(set));
    const isLeft = (each: ClassCount) => leaves.some((set) => isOf(each, field, Number(set)));
    batch.push({
      _id,
      sets: stays.length === 0 ? 'all' : leaves,
      classes: classes.filter((each) => !isLeft(each)),
    });
    if (batch.length >= BATCH) await flush();
    onStep();
  }
  await flush();
  return removed;
}

/** Removes a field from every sample of a dataset. Returns the number of samples. */
export async function removeField(
  store: Store,
  { datasetId, field, onStep, signal }: { datasetId: string; field: string; onStep: () => void; signal: AbortSignal },
): Promise<number> {
  let removed = 0;
  let batch: AnnotationRemoval[] = [];
  for await (const { _id, classes } of samplesWithField(store, { datasetId, field, which: 'all' })) {
    signal.throwIfAborted();
    removed += 1;
    batch.push({ _id, sets: 'all', classes: classes.filter((each) => !isOf(each, field, undefined)) });
    if (batch.length < BATCH) continue;
    await removeAnnotations(store, field, batch);
    batch = [];
    onStep();
  }
  await removeAnnotations(store, field, batch);
  return removed;
}
