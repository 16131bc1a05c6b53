import type { ClientSession, Filter } from 'mongodb';
import type { PhaseName, PhaseState } from '../../contract/job.ts';
import { UserError } from '../errors.ts';
import { collectionsOf } from './collections.ts';
import { datasetBeingDeleted, datasetNotFound } from './dataset-errors.ts';
import type { DatasetDocument, MediaType, PublishedIndexDocument } from './documents.ts';
import { noteSchemaVersion } from './prepare.ts';
import { isDuplicateKey, type Store } from './store.ts';

/** A dataset's samples by status. */
export type DatasetCounts = DatasetDocument['counts'];
/** A model that has vectors in a dataset. */
export type RecordedModel = DatasetDocument['models'][number];

/** A dataset; undefined if it does not exist. */
export async function findDataset(store: Store, datasetId: string): Promise<DatasetDocument | undefined> {
  return (await collectionsOf(store).datasets.findOne({ _id: datasetId })) ?? undefined;
}

/**
 * Reads a dataset.
 *
 * @throws UserError DatasetNotFound, made by `notFound`
 */
export async function getDataset(
  store: Store,
  datasetId: string,
  notFound = datasetNotFound,
): Promise<DatasetDocument> {
  const dataset = await findDataset(store, datasetId);
  if (dataset === undefined) throw notFound(datasetId);
  return dataset;
}

/** Whether a dataset exists, even one that is being deleted. */
export async function datasetExists(store: Store, datasetId: string): Promise<boolean> {
  return (await collectionsOf(store).datasets.countDocuments({ _id: datasetId }, { limit: 1 })) > 0;
}

/** All datasets, by name. */
export async function listDatasets(store: Store): Promise<DatasetDocument[]> {
  return collectionsOf(store).datasets.find().sort({ _id: 1 }).toArray();
}

/** Fields that datasets can be sorted by. */
export type DatasetOrder = '_id' | 'created_at' | 'last_modified_at';

/** A place in the order of datasets. */
export interface DatasetPosition {
  name: string;
  /** The value of the field that they are sorted by, unless that is the name. */
  at?: Date | undefined;
}

/** A page of datasets, cut by keyset: neither a new dataset nor a deleted one moves others to another page. */
export async function pageOfDatasets(
  store: Store,
  {
    order,
    direction,
    from,
    limit,
  }: { order: DatasetOrder; direction: 1 | -1; from: DatasetPosition | undefined; limit: number },
): Promise<DatasetDocument[]> {
  const behind = direction === 1 ? '$gt' : '$lt';
  const name = { _id: { [behind]: from?.name } } as Filter<DatasetDocument>;
  const after =
    from?.at === undefined ? name : { $or: [{ [order]: { [behind]: from.at } }, { [order]: from.at, ...name }] };
  return collectionsOf(store)
    .datasets.find((from === undefined ? {} : after) as Filter<DatasetDocument>)
    .sort(order === '_id' ? { _id: direction } : { [order]: direction, _id: direction })
    .limit(limit)
    .toArray();
}

/** Datasets that changed since a given time; with a name, only that dataset. */
export async function changedSince(
  store: Store,
  { datasetId, since, limit }: { datasetId: string | undefined; since: Date; limit: number },
): Promise<DatasetDocument[]> {
  const named = datasetId === undefined ? {} : { _id: datasetId };
  return collectionsOf(store)
    .datasets.find({ ...named, last_modified_at: { $gte: since } })
    .limit(limit)
    .toArray();
}

/** The roots of a dataset's sources. Empty if the dataset does not exist. */
export async function sourcesOf(store: Store, datasetId: string, session?: ClientSession): Promise<string[]> {
  const options = { projection: { sources: 1 }, ...(session === undefined ? {} : { session }) };
  return (await collectionsOf(store).datasets.findOne({ _id: datasetId }, options))?.sources ?? [];
}

/** Replaces the roots of a dataset's sources. */
export async function setSources(
  store: Store,
  datasetId: string,
  sources: readonly string[],
  session: ClientSession,
): Promise<void> {
  await collectionsOf(store).datasets.updateOne(
    { _id: datasetId },
    { $set: { sources: [...sources], last_modified_at: new Date() } },
    { session },
  );
}

/** The models that have embedded a dataset. Empty if the dataset does not exist. */
export async function modelsOf(store: Store, datasetId: string): Promise<RecordedModel[]> {
  const dataset = await collectionsOf(store).datasets.findOne({ _id: datasetId }, { projection: { models: 1 } });
  return dataset?.models ?? [];
}

/**
 * Creates the dataset if needed, and records its source and its latest job.
 *
 * @throws UserError DatasetBeingDeleted, MediaTypeConflict
 */
export async function openDataset(
  store: Store,
  {
    datasetId,
    mediaType,
    expansion,
    source,
    jobId,
  }: {
    datasetId: string;
    mediaType: MediaType;
    /** Replaces what the dataset has. */
    expansion?: DatasetDocument['expansion'] | undefined;
    source: string;
    jobId: string;
  },
): Promise<void> {
  const { datasets } = collectionsOf(store);
  const now = new Date();
  // A dataset without a version beside it would be taken for one of an older Plimsoll.
  await noteSchemaVersion(store);
  try {
    await datasets.updateOne(
      { _id: datasetId, deleting: { $exists: false }, media_type: mediaType },
      {
        $setOnInsert: {
          next_seq: 0,
          counts: { total: 0, indexed: 0, failed: 0, missing: 0 },
          models: [],
          created_at: now,
        },
        $addToSet: { sources: source },
        $set: {
          latest_job: jobId,
          last_modified_at: now,
          'phases.indexing': { state: 'running', job_id: jobId, at: now },
          ...(expansion === undefined ? {} : { expansion }),
        },
      },
      { upsert: true },
    );
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    // The dataset exists but did not match.
    const found = await findDataset(store, datasetId);
    if (found?.deleting !== undefined) throw datasetBeingDeleted(datasetId, found.deleting.job_id);
    if (found === undefined || found.media_type === mediaType) throw error;
    throw new UserError(
      'MediaTypeConflict',
      `Dataset "${datasetId}" holds samples of the medium ${found.media_type}, and this load brings ${mediaType}. ` +
        'Load into another dataset.',
    );
  }
}

/** Records that a job without a source of its own is indexing the dataset. */
export async function openIndexing(store: Store, datasetId: string, jobId: string): Promise<void> {
  const at = new Date();
  await collectionsOf(store).datasets.updateOne(
    { _id: datasetId },
    { $set: { 'phases.indexing': { state: 'running', job_id: jobId, at }, last_modified_at: at } },
  );
}

/**
 * Makes a job the dataset's latest job.
 *
 * @throws UserError DatasetNotFound, DatasetBeingDeleted
 */
export async function claimDataset(
  store: Store,
  datasetId: string,
  jobId: string,
  notFound = datasetNotFound,
): Promise<void> {
  const { matchedCount } = await collectionsOf(store).datasets.updateOne(
    { _id: datasetId, deleting: { $exists: false } },
    { $set: { latest_job: jobId } },
  );
  if (matchedCount > 0) return;
  const { deleting } = await getDataset(store, datasetId, notFound);
  throw deleting === undefined ? notFound(datasetId) : datasetBeingDeleted(datasetId, deleting.job_id);
}

/** Marks a dataset as being deleted, so that no further job begins on it. Returns whether the dataset exists. */
export async function markDeleting(store: Store, datasetId: string, jobId: string): Promise<boolean> {
  const now = new Date();
  const { matchedCount } = await collectionsOf(store).datasets.updateOne(
    { _id: datasetId },
    { $set: { deleting: { job_id: jobId, at: now }, latest_job: jobId, last_modified_at: now } },
  );
  return matchedCount > 0;
}

/** Whether a dataset exists and is marked for deletion by this job. */
export async function isBeingDeletedBy(
  store: Store,
  datasetId: string,
  jobId: string,
  session: ClientSession,
): Promise<boolean> {
  const own = { _id: datasetId, 'deleting.job_id': jobId };
  return (await collectionsOf(store).datasets.findOne(own, { session, projection: { _id: 1 } })) !== null;
}

/** Removes the dataset's own document if it is marked for deletion by this job. */
export async function removeDataset(store: Store, datasetId: string, jobId: string): Promise<void> {
  await collectionsOf(store).datasets.deleteOne({ _id: datasetId, 'deleting.job_id': jobId });
}

/** Takes `count` numbers for new samples and returns the first. Undefined if the dataset does not exist. */
export async function takeSeqs(
  store: Store,
  datasetId: string,
  count: number,
  session: ClientSession,
): Promise<number | undefined> {
  const before = await collectionsOf(store).datasets.findOneAndUpdate(
    { _id: datasetId },
    { $inc: { next_seq: count } },
    { session, projection: { next_seq: 1 }, returnDocument: 'before' },
  );
  return before?.next_seq;
}

/** Caches a dataset's counts. Returns whether the dataset exists. */
export async function setCounts(store: Store, datasetId: string, counts: DatasetCounts): Promise<boolean> {
  const { matchedCount } = await collectionsOf(store).datasets.updateOne(
    { _id: datasetId },
    { $set: { counts, last_modified_at: new Date() } },
  );
  return matchedCount > 0;
}

/** Records that a job is working on a phase of the dataset. */
export async function beginDatasetPhase(
  store: Store,
  { datasetId, jobId, phase, at }: { datasetId: string; jobId: string; phase: PhaseName; at: Date },
): Promise<void> {
  await collectionsOf(store).datasets.updateOne(
    { _id: datasetId },
    { $set: { [`phases.${phase}`]: { state: 'running', job_id: jobId, at }, last_modified_at: at } },
  );
}

/** Records how a job's phase ended, unless a newer job has begun the same phase. */
export async function endDatasetPhase(
  store: Store,
  {
    datasetId,
    jobId,
    phase,
    state,
    at,
  }: { datasetId: string; jobId: string; phase: PhaseName; state: PhaseState; at: Date },
): Promise<void> {
  await collectionsOf(store).datasets.updateOne(
    { _id: datasetId, [`phases.${phase}.job_id`]: jobId, [`phases.${phase}.state`]: 'running' },
    { $set: { [`phases.${phase}`]: { state, job_id: jobId, at }, last_modified_at: at } },
  );
}

/** The job that most recently began to index the dataset. Undefined if the dataset does not exist. */
export async function indexingJobOf(
  store: Store,
  datasetId: string,
): Promise<{ jobId: string | undefined } | undefined> {
  const projection = { 'phases.indexing.job_id': 1 };
  const dataset = await collectionsOf(store).datasets.findOne({ _id: datasetId }, { projection });
  return dataset === null ? undefined : { jobId: dataset.phases?.indexing?.job_id };
}

/** Which model serves the dataset's searches once a model is written: the same as before, the first one, or this one. */
export type Serving = 'as-before' | 'first' | 'this';

/**
 * Adds or updates a model, and says which one serves, in a single step, because two models may finish at once. Returns
 * whether the dataset exists.
 */
export async function writeModel(
  store: Store,
  datasetId: string,
  model: RecordedModel,
  serves: Serving = 'as-before',
): Promise<boolean> {
  const key = { $literal: model.key };
  const others = { $filter: { input: '$models', cond: { $ne: ['$$this.key', key] } } };
  const before = { $first: { $filter: { input: '$models', cond: { $eq: ['$$this.key', key] } } } };
  const now = { $mergeObjects: [before, { $literal: model }] };
  const serving = { 'as-before': {}, first: { serving: servingFirst(key) }, this: { serving: key } }[serves];
  const { matchedCount } = await collectionsOf(store).datasets.updateOne({ _id: datasetId }, [
    { $set: { models: { $concatArrays: [others, [now]] }, ...serving } },
  ]);
  return matchedCount > 0;
}

/** The model that serves already. A dataset of an earlier version may not name it: it is the first complete one. */
function servingFirst(key: object) {
  const isComplete = { $and: [{ $gt: ['$$this.completed_at', null] }, { $gt: ['$$this.vectors', 0] }] };
  const complete = { $filter: { input: '$models', cond: isComplete } };
  const inOrder = { $sortArray: { input: complete, sortBy: { completed_at: 1 } } };
  return { $ifNull: ['$serving', { $getField: { field: 'key', input: { $first: inOrder } } }, key] };
}

/**
 * Lets a model serve the dataset's searches, unless a job has begun to drop it. A drop of the job `droppedBy` has ended.
 * Returns whether that is so.
 */
export async function setServing(
  store: Store,
  { datasetId, modelKey, droppedBy }: { datasetId: string; modelKey: string; droppedBy: string | undefined },
): Promise<boolean> {
  const ended = droppedBy === undefined ? [] : [droppedBy];
  const dropping = { key: modelKey, 'dropping.job_id': { $exists: true, $nin: ended } };
  const { matchedCount } = await collectionsOf(store).datasets.updateOne(
    { _id: datasetId, models: { $not: { $elemMatch: dropping } } },
    { $set: { serving: modelKey, last_modified_at: new Date() } },
  );
  return matchedCount > 0;
}

/** A model that a job drops from a dataset. */
export interface DroppedModel {
  datasetId: string;
  modelKey: string;
  jobId: string;
}

const beingDropped = ({ datasetId, modelKey, jobId }: DroppedModel) => ({
  _id: datasetId,
  models: { $elemMatch: { key: modelKey, 'dropping.job_id': jobId } },
});

/**
 * Marks a recorded model as dropped by a job: from now on it is not complete, and has no index. With `embedded`, the dataset's embedding
 * was that of this model and is forgotten, too. Returns false if the model has no record, or another one serves than the
 * caller read.
 */
export async function markDropping(
  store: Store,
  { datasetId, modelKey, jobId }: DroppedModel,
  { serving, embedded }: { serving: string | undefined; embedded: boolean },
): Promise<boolean> {
  const { matchedCount } = await collectionsOf(store).datasets.updateOne(
    { _id: datasetId, 'models.key': modelKey, serving: serving ?? { $exists: false } },
    {
      $set: { 'models.$.dropping': { job_id: jobId }, last_modified_at: new Date() },
      $unset: {
        'models.$.completed_at': true,
        'models.$.planned_at': true,
        'models.$.index': true,
        ...(embedded ? { 'phases.embedding': true } : {}),
      },
    },
  );
  return matchedCount > 0;
}

/** Takes vectors that were removed off a model's count. Returns whether the model is still this job's to drop. */
export async function countDropped(
  store: Store,
  dropped: DroppedModel,
  vectors: number,
  session: ClientSession,
): Promise<boolean> {
  const { matchedCount } = await collectionsOf(store).datasets.updateOne(
    beingDropped(dropped),
    { $inc: { 'models.$.vectors': -vectors } },
    { session },
  );
  return matchedCount > 0;
}

/** Removes the record of a model that has no vector left. Returns whether the model was still this job's to drop. */
export async function removeModel(store: Store, dropped: DroppedModel, session: ClientSession): Promise<boolean> {
  const key = { $literal: dropped.modelKey };
  const others = { $filter: { input: '$models', cond: { $ne: ['$$this.key', key] } } };
  const serving = { $cond: [{ $eq: ['$serving', key] }, '$$REMOVE', '$serving'] };
  const { matchedCount } = await collectionsOf(store).datasets.updateOne(
    beingDropped(dropped),
    [{ $set: { models: others, serving, last_modified_at: '$$NOW' } }],
    { session },
  );
  return matchedCount > 0;
}

/** Takes the mark of a drop off a model that is wanted again. The drop then removes nothing more. */
export async function keepModel(store: Store, datasetId: string, modelKey: string): Promise<void> {
  await collectionsOf(store).datasets.updateOne(
    { _id: datasetId, models: { $elemMatch: { key: modelKey, dropping: { $exists: true } } } },
    { $unset: { 'models.$.dropping': true } },
  );
}

/** Caches how many vectors a model has in a dataset. */
export async function setVectorCount(
  store: Store,
  datasetId: string,
  modelKey: string,
  vectors: number,
): Promise<void> {
  await collectionsOf(store).datasets.updateOne(
    { _id: datasetId, 'models.key': modelKey },
    { $set: { 'models.$.vectors': vectors } },
  );
}

/**
 * Points a model of a dataset to its published index, and returns the index before. Returns undefined if there is no such
 * dataset, it is being deleted, or has no such model.
 */
export async function setPublishedIndex(
  store: Store,
  { datasetId, modelKey }: { datasetId: string; modelKey: string },
  index: PublishedIndexDocument,
): Promise<{ before: PublishedIndexDocument | undefined } | undefined> {
  const found = await collectionsOf(store).datasets.findOneAndUpdate(
    { _id: datasetId, deleting: { $exists: false }, 'models.key': modelKey },
    { $set: { 'models.$.index': index, last_modified_at: new Date() } },
    { returnDocument: 'before', projection: { models: 1 } },
  );
  return found === null ? undefined : { before: found.models.find(({ key }) => key === modelKey)?.index };
}

/** The IDs of the published indexes of all datasets. */
export async function publishedIndexIds(store: Store): Promise<string[]> {
  return collectionsOf(store).datasets.distinct('models.index.id');
}

/** The published index of a model's vectors in a dataset, if there is one. */
export async function findPublishedIndex(
  store: Store,
  { datasetId, modelKey }: { datasetId: string; modelKey: string },
): Promise<PublishedIndexDocument | undefined> {
  return (await modelsOf(store, datasetId)).find(({ key }) => key === modelKey)?.index;
}

/** Samples of all datasets by status, from the cached counts. */
export async function sumCounts(store: Store, maxTimeMS: number): Promise<Omit<DatasetCounts, 'total'>> {
  const [sums] = await collectionsOf(store)
    .datasets.aggregate<Omit<DatasetCounts, 'total'>>(
      [
        {
          $group: {
            _id: null,
            indexed: { $sum: '$counts.indexed' },
            failed: { $sum: '$counts.failed' },
            missing: { $sum: '$counts.missing' },
          },
        },
      ],
      { maxTimeMS },
    )
    .toArray();
  return { indexed: sums?.indexed ?? 0, failed: sums?.failed ?? 0, missing: sums?.missing ?? 0 };
}

/** Vectors of all datasets by model key, from the cached counts. */
export async function sumVectors(store: Store, maxTimeMS: number): Promise<Map<string, number>> {
  const rows = await collectionsOf(store)
    .datasets.aggregate<{ _id: string; vectors: number }>(
      [{ $unwind: '$models' }, { $group: { _id: '$models.key', vectors: { $sum: '$models.vectors' } } }],
      { maxTimeMS },
    )
    .toArray();
  return new Map(rows.map(({ _id, vectors }) => [_id, vectors]));
}
