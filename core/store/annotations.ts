/** Annotations of samples: what applying them reads and writes, and the classes of a dataset. */
import { type AnyBulkWriteOperation, BSONRegExp, MongoBulkWriteError, type ObjectId } from 'mongodb';
import type { AnnotationClass } from '../../contract/annotation.ts';
import { collectionsOf } from './collections.ts';
import type { AnnotationSet, ClassCount, DatasetField, FieldDocument, SampleDocument } from './documents.ts';
import { oneBatch } from './one-batch.ts';
import { SAMPLE_INDEXES } from './prepare.ts';
import { PATHS_A_QUERY, slicesOf } from './slices.ts';
import type { Store } from './store.ts';

/** One set of a field of a dataset's samples. */
export interface FieldSet {
  datasetId: string;
  field: string;
  /** The key of the path that gives it. */
  set: string;
}

/** The fields of a sample that its annotations depend on. */
export type SampleToAnnotate = Pick<
  SampleDocument,
  '_id' | 'seq' | 'filepath' | 'status' | 'metadata' | 'classes' | 'split' | 'tags'
> & {
  annotations?: Record<string, Pick<FieldDocument, 'from'> & { sets?: Record<string, Partial<AnnotationSet>> }>;
};

const toAnnotate = ({ field, set }: Pick<FieldSet, 'field' | 'set'>) => ({
  seq: 1,
  filepath: 1,
  status: 1,
  'metadata.width': 1,
  'metadata.height': 1,
  'metadata.orientation': 1,
  classes: 1,
  split: 1,
  tags: 1,
  [`annotations.${field}.from`]: 1,
  [`annotations.${field}.sets.${set}.fingerprint`]: 1,
  [`annotations.${field}.sets.${set}.job_id`]: 1,
});

/**
 * The samples of these paths, in no order. Files that are missing have none.
 *
 * @param stems paths without extensions, of which the samples with any extension are found, too
 */
export async function samplesAtPaths(
  store: Store,
  fields: FieldSet,
  filepaths: readonly string[],
  stems: readonly string[] = [],
): Promise<SampleToAnnotate[]> {
  const found: SampleToAnnotate[] = [];
  const patterns = stems.filter((stem) => !stem.includes('\0')).map(withAnyExtension);
  const looked = [...filepaths, ...patterns].filter((one) => lengthOf(one) <= LONGEST_PATH);
  for (const slice of slicesOf(looked, PATHS_A_QUERY)) {
    const samples = collectionsOf(store).samples.find(
      { dataset_id: fields.datasetId, filepath: { $in: slice as string[] }, part: 0, status: { $ne: 'missing' } },
      { projection: toAnnotate(fields), hint: SAMPLE_INDEXES.path, ...oneBatch(slice.length) },
    );
    found.push(...((await samples.toArray()) as unknown as SampleToAnnotate[]));
  }
  return found;
}

/** No file has a longer path: 4,096 bytes of up to four characters each. Names of annotations have any length. */
const LONGEST_PATH = 4 * 4096;

const lengthOf = (path: string | BSONRegExp): number => (typeof path === 'string' ? path : path.pattern).length;

/** The paths of a stem. A pattern that begins with plain text is a range of the index. */
const withAnyExtension = (stem: string): BSONRegExp =>
  new BSONRegExp(`^${stem.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}\\.[^./]+$`);

/** The samples of these seqs, in no order. Files that are missing have none. */
export async function samplesToAnnotate(
  store: Store,
  fields: FieldSet,
  seqs: readonly number[],
): Promise<SampleToAnnotate[]> {
  const found = collectionsOf(store).samples.find(
    { dataset_id: fields.datasetId, seq: { $in: [...seqs] }, part: 0, status: { $ne: 'missing' } },
    { projection: toAnnotate(fields), hint: SAMPLE_INDEXES.seq, ...oneBatch(seqs.length) },
  );
  return (await found.toArray()) as unknown as SampleToAnnotate[];
}

/** The path and the seq of every file of a dataset, in the order of the paths. */
export async function* pathsOfDataset(
  store: Store,
  datasetId: string,
): AsyncGenerator<Pick<SampleDocument, 'seq' | 'filepath'>> {
  yield* collectionsOf(store).samples.find(
    { dataset_id: datasetId, part: 0 },
    { projection: { _id: 0, seq: 1, filepath: 1 }, hint: SAMPLE_INDEXES.path, batchSize: 10_000 },
  );
}

/** The annotations that a sample is to have. */
export interface AnnotationUpdate {
  _id: ObjectId;
  /** Replaces the whole field, or one set of it. */
  replaces: 'field' | 'set';
  from: string;
  annotations: AnnotationSet;
  /** All classes of the sample, of other fields as well. */
  classes: ClassCount[];
  split?: string | undefined;
  tags?: readonly string[] | undefined;
}

/**
 * Writes annotations of samples. Samples that were removed since are left out. Returns the positions of updates with
 * which a sample would be larger than a document may be.
 */
export async function writeAnnotations(
  store: Store,
  { field, set }: FieldSet,
  updates: readonly AnnotationUpdate[],
): Promise<number[]> {
  if (updates.length === 0) return [];
  const now = new Date();
  const operations = updates.map(
    ({ _id, replaces, from, annotations, classes, split, tags }): AnyBulkWriteOperation<SampleDocument> => ({
      updateOne: {
        filter: { _id },
        update: {
          $set: {
            ...(replaces === 'field'
              ? { [`annotations.${field}`]: { from, sets: { [set]: annotations } } }
              : { [`annotations.${field}.sets.${set}`]: annotations }),
            classes,
            ...(split === undefined ? {} : { split }),
            last_modified_at: now,
          },
          ...(tags === undefined || tags.length === 0 ? {} : { $addToSet: { tags: { $each: [...tags] } } }),
        },
      },
    }),
  );
  try {
    await collectionsOf(store).samples.bulkWrite(operations, { ordered: false });
    return [];
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    const refused = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
    if (refused.length === 0 || !refused.every(({ code }) => code === TOO_LARGE)) throw error;
    return refused.map(({ index }) => index);
  }
}

/** MongoDB's code for a document that an update would make larger than 16 MiB. */
const TOO_LARGE = 17419;

/** A sample that has a field, and the sets of it. */
export interface AnnotatedSample {
  _id: ObjectId;
  seq: number;
  from: string;
  sets: string[];
  classes: ClassCount[];
}

/** The samples that have a field, in seq order; all of them, or those whose files are not missing. */
export async function* samplesWithField(
  store: Store,
  { datasetId, field, which }: { datasetId: string; field: string; which: 'all' | 'there' },
): AsyncGenerator<AnnotatedSample> {
  const samples = collectionsOf(store).samples.aggregate<AnnotatedSample>(
    [
      {
        $match: {
          dataset_id: datasetId,
          [`annotations.${field}`]: { $exists: true },
          ...(which === 'all' ? {} : { status: { $ne: 'missing' } }),
        },
      },
      { $sort: { seq: 1 } },
      {
        $project: {
          seq: 1,
          classes: { $ifNull: ['$classes', []] },
          from: `$annotations.${field}.from`,
          sets: {
            $map: { input: { $objectToArray: `$annotations.${field}.sets` }, as: 'set', in: '$$set.k' },
          },
        },
      },
    ],
    { hint: SAMPLE_INDEXES.seq, batchSize: 1000 },
  );
  yield* samples;
}

/** What is removed from a sample: a field, or sets of it. */
export interface AnnotationRemoval {
  _id: ObjectId;
  sets: 'all' | readonly string[];
  /** The classes that it keeps. */
  classes: ClassCount[];
}

/** Removes a field of samples, or sets of it. */
export async function removeAnnotations(
  store: Store,
  field: string,
  removals: readonly AnnotationRemoval[],
): Promise<void> {
  if (removals.length === 0) return;
  const now = new Date();
  await collectionsOf(store).samples.bulkWrite(
    removals.map(({ _id, sets, classes }) => ({
      updateOne: {
        filter: { _id },
        update: {
          $set: { classes, last_modified_at: now },
          $unset:
            sets === 'all'
              ? { [`annotations.${field}`]: true as const }
              : Object.fromEntries(sets.map((set) => [`annotations.${field}.sets.${set}`, true as const])),
        },
      },
    })),
    { ordered: false },
  );
}

/** Records a field of a dataset, the paths that gave it, and its classes. */
export async function recordField(
  store: Store,
  datasetId: string,
  { field, from, classes }: { field: string; from: string; classes: readonly AnnotationClass[] },
): Promise<void> {
  const { datasets } = collectionsOf(store);
  const dataset = await datasets.findOne({ _id: datasetId }, { projection: { annotation_fields: 1 } });
  const fields = dataset?.annotation_fields ?? [];
  const known = fields.find(({ name }) => name === field);
  const recorded: DatasetField = {
    name: field,
    from: [...new Set([...(known?.from ?? []), from])],
    classes: joinClasses(known?.classes ?? [], classes),
  };
  const others = fields.filter(({ name }) => name !== field);
  await datasets.updateOne(
    { _id: datasetId },
    { $set: { annotation_fields: [...others, recorded], last_modified_at: new Date() } },
  );
}

/** Forgets a field of a dataset. */
export async function forgetField(store: Store, datasetId: string, field: string): Promise<void> {
  await collectionsOf(store).datasets.updateOne(
    { _id: datasetId },
    { $pull: { annotation_fields: { name: field } }, $set: { last_modified_at: new Date() } },
  );
}

/** The most classes that a dataset describes. Others are counted and filtered, without a description. */
const MOST_CLASSES = 10_000;

/** The newest description of a class counts. */
function joinClasses(before: readonly AnnotationClass[], now: readonly AnnotationClass[]): AnnotationClass[] {
  const byName = new Map(before.map((each) => [each.name, each]));
  for (const each of now) byName.set(each.name, each);
  return [...byName.values()].slice(0, MOST_CLASSES);
}

/** A class of a dataset: how many samples have it, and how many objects are of it. */
export interface CountedClass {
  field: string;
  name: string;
  samples: number;
  objects: number;
}

/** Counts the classes of a dataset, in every field, those with most objects first. */
export async function countClasses(store: Store, datasetId: string, maxTimeMS?: number): Promise<CountedClass[]> {
  const ofClass = { $filter: { input: '$classes', as: 'each', cond: { $eq: [nameOf('$$each'), '$$class'] } } };
  const objects = { $sum: { $map: { input: ofClass, as: 'each', in: '$$each.objects' } } };
  const names = { $setUnion: [{ $map: { input: '$classes', as: 'each', in: nameOf('$$each') } }] };
  const rows = await collectionsOf(store)
    .samples.aggregate<{ _id: { field: string; label: string }; samples: number; objects: number }>(
      [
        { $match: { dataset_id: datasetId, classes: { $exists: true } } },
        // A class may be in several sets of a sample, which counts once.
        { $project: { _id: 0, classes: { $map: { input: names, as: 'class', in: { class: '$$class', objects } } } } },
        { $unwind: '$classes' },
        { $group: { _id: '$classes.class', samples: { $sum: 1 }, objects: { $sum: '$classes.objects' } } },
        { $sort: { objects: -1, _id: 1 } },
        { $limit: MOST_CLASSES },
      ],
      { hint: SAMPLE_INDEXES.classes, ...(maxTimeMS === undefined ? {} : { maxTimeMS }) },
    )
    .toArray();
  return rows.map(({ _id: { field, label }, samples, objects: n }) => ({ field, name: label, samples, objects: n }));
}

const nameOf = (each: string) => ({ field: `${each}.field`, label: `${each}.label` });

/** Counts the samples of a dataset that have each of these fields. */
export async function countFields(
  store: Store,
  datasetId: string,
  fields: readonly string[],
  maxTimeMS?: number,
): Promise<Record<string, number>> {
  if (fields.length === 0) return {};
  const has = (field: string) => ({ $sum: { $cond: [{ $eq: [{ $type: `$annotations.${field}` }, 'object'] }, 1, 0] } });
  const [counts = {}] = await collectionsOf(store)
    .samples.aggregate<Record<string, number>>(
      [
        { $match: { dataset_id: datasetId, classes: { $exists: true } } },
        { $group: { _id: null, ...Object.fromEntries(fields.map((field) => [field, has(field)])) } },
      ],
      { hint: SAMPLE_INDEXES.classes, ...(maxTimeMS === undefined ? {} : { maxTimeMS }) },
    )
    .toArray();
  return counts;
}

/** Counts the samples of each split of a dataset. */
export async function countSplits(
  store: Store,
  datasetId: string,
  maxTimeMS?: number,
): Promise<{ name: string; samples: number }[]> {
  const rows = await collectionsOf(store)
    .samples.aggregate<{ _id: string; samples: number }>(
      [
        { $match: { dataset_id: datasetId, split: { $exists: true } } },
        { $group: { _id: '$split', samples: { $sum: 1 } } },
        { $sort: { _id: 1 } },
        { $limit: 1000 },
      ],
      { hint: SAMPLE_INDEXES.split, ...(maxTimeMS === undefined ? {} : { maxTimeMS }) },
    )
    .toArray();
  return rows.map(({ _id, samples }) => ({ name: _id, samples }));
}
