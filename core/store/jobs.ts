import { type ClientSession, type Filter, MongoServerError } from 'mongodb';
import type { AnnotationsStatus } from '../../contract/annotations.ts';
import type { ExportedCounts } from '../../contract/exports.ts';
import type { ArtifactStatus, JobKind, JobState, PhaseName, PhaseState, RecordedError } from '../../contract/job.ts';
import { collectionsOf } from './collections.ts';
import type { JobDocument, PhaseDocument } from './documents.ts';
import type { Store } from './store.ts';

/** Fields of a phase, by their paths in a job's document. */
const pathsOf = (phase: PhaseName, fields: Partial<PhaseDocument>) =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [`phases.${phase}.${name}`, value]));

/** Selects jobs without a recorded end. */
export const notEnded = { finished_at: { $exists: false } } as const;
/** The order of jobs in lists. */
export const newestFirst = { started_at: -1, _id: -1 } as const;

/** Reading. */

/** The record of a job; undefined if there is none. */
export async function findJob(store: Store, jobId: string): Promise<JobDocument | undefined> {
  return (await collectionsOf(store).jobs.findOne({ _id: jobId })) ?? undefined;
}

/** The records of these jobs, in any order. Unknown IDs are skipped. */
export async function findJobs(store: Store, jobIds: readonly string[]): Promise<JobDocument[]> {
  return collectionsOf(store)
    .jobs.find({ _id: { $in: [...jobIds] } })
    .toArray();
}

/** The fields that identify a job. */
export type JobReference = Pick<JobDocument, '_id' | 'workflow_id' | 'dataset_id'>;

const reference = { workflow_id: 1, dataset_id: 1 } as const;

/** A job by its ID; undefined if it has no record. */
export async function findJobReference(store: Store, jobId: string): Promise<JobReference | undefined> {
  return (await collectionsOf(store).jobs.findOne({ _id: jobId }, { projection: reference })) ?? undefined;
}

/** The latest job of a dataset; undefined if there is none. */
export async function latestJobOf(store: Store, datasetId: string): Promise<JobReference | undefined> {
  const options = { projection: reference, sort: newestFirst };
  return (await collectionsOf(store).jobs.findOne({ dataset_id: datasetId }, options)) ?? undefined;
}

/** Jobs whose IDs begin with `prefix`, newest first. IDs consist of hexadecimal digits and dashes. */
export async function jobsByPrefix(store: Store, prefix: string, limit: number): Promise<JobReference[]> {
  return collectionsOf(store)
    .jobs.find({ _id: { $gte: prefix, $lt: `${prefix}g` } }, { projection: reference, sort: { started_at: -1 } })
    .limit(limit)
    .toArray();
}

/** A job's kind, its request, and its state as far as it is recorded. */
export type JobRequest = Pick<JobDocument, 'kind' | 'request' | 'state'>;

/** The job's request if the job is of one of these kinds. */
export async function findRequest(
  store: Store,
  jobId: string,
  kinds?: readonly JobKind[],
): Promise<JobRequest | undefined> {
  const filter = { _id: jobId, ...(kinds === undefined ? {} : { kind: { $in: [...kinds] } }) };
  return (
    (await collectionsOf(store).jobs.findOne(filter, { projection: { kind: 1, request: 1, state: 1 } })) ?? undefined
  );
}

/** The request of the dataset's latest job of one of these kinds. */
export async function latestRequestOf(
  store: Store,
  datasetId: string,
  kinds: readonly JobKind[],
): Promise<JobRequest | undefined> {
  const filter = { dataset_id: datasetId, kind: { $in: [...kinds] } };
  const options = { projection: { kind: 1, request: 1, state: 1 }, sort: { started_at: -1 } } as const;
  return (await collectionsOf(store).jobs.findOne(filter, options)) ?? undefined;
}

/** A position in the order of jobs, for keyset paging. */
export type JobPosition = Pick<JobDocument, 'started_at' | '_id'>;

/** Selects jobs. Each field narrows the selection. */
export interface JobQuery {
  dataset?: string | undefined;
  states?: readonly JobState[] | undefined;
  kinds?: readonly JobKind[] | undefined;
  /** Only jobs that started at this time or later. */
  since?: Date | undefined;
  /** Only jobs that started before this time. */
  before?: Date | undefined;
  /** Only jobs after this position. */
  from?: JobPosition | undefined;
}

/** Jobs, newest first. Keyset paging neither repeats nor skips jobs that start or end meanwhile. */
export async function listJobs(
  store: Store,
  { dataset, states, kinds, since, before, from }: JobQuery,
  limit: number,
): Promise<JobDocument[]> {
  const conditions: Filter<JobDocument>[] = [];
  if (dataset !== undefined) conditions.push({ dataset_id: dataset });
  if (states !== undefined) conditions.push({ state: { $in: [...states] } });
  if (kinds !== undefined) conditions.push({ kind: { $in: [...kinds] } });
  if (since !== undefined) conditions.push({ started_at: { $gte: since } });
  if (before !== undefined) conditions.push({ started_at: { $lt: before } });
  if (from !== undefined) {
    // The first condition bounds the index scan. The second orders jobs of the same millisecond by ID.
    conditions.push({ started_at: { $lte: from.started_at } });
    conditions.push({ $or: [{ started_at: { $lt: from.started_at } }, { _id: { $lt: from._id } }] });
  }
  return collectionsOf(store)
    .jobs.find(conditions.length === 0 ? {} : { $and: conditions })
    .sort(newestFirst)
    .limit(limit)
    .toArray();
}

/** IDs of jobs without a recorded end, newest first. */
export async function openJobIds(store: Store, limit = 0, maxTimeMS?: number): Promise<string[]> {
  const found = await collectionsOf(store)
    .jobs.find(notEnded, { projection: { _id: 1 }, ...(maxTimeMS === undefined ? {} : { maxTimeMS }) })
    .sort({ started_at: -1 })
    .limit(limit)
    .toArray();
  return found.map(({ _id }) => _id);
}

/** The IDs among these whose jobs have no recorded end. */
export async function openAmong(store: Store, jobIds: readonly string[]): Promise<Set<string>> {
  const found = await collectionsOf(store)
    .jobs.find({ _id: { $in: [...jobIds] }, ...notEnded }, { projection: { _id: 1 } })
    .toArray();
  return new Set(found.map(({ _id }) => _id));
}

/** Jobs that began before a given time and have no recorded end, oldest first. */
export async function openSince(store: Store, before: Date, datasetId?: string): Promise<JobDocument[]> {
  const ofDataset = datasetId === undefined ? {} : { dataset_id: datasetId };
  return collectionsOf(store)
    .jobs.find({ ...notEnded, started_at: { $lt: before }, ...ofDataset })
    .sort({ started_at: 1, _id: 1 })
    .toArray();
}

/** Jobs without a recorded end, and jobs that ended since a given time, newest first. */
export async function openOrEndedSince(
  store: Store,
  { datasetId, since, limit }: { datasetId: string | undefined; since: Date | undefined; limit: number },
): Promise<JobDocument[]> {
  const ofDataset = datasetId === undefined ? {} : { dataset_id: datasetId };
  const ended = since === undefined ? [] : [{ finished_at: { $gte: since } }];
  return collectionsOf(store)
    .jobs.find({ ...ofDataset, $or: [notEnded, ...ended] })
    .sort({ started_at: -1 })
    .limit(limit)
    .toArray();
}

/** IDs of all jobs of a dataset. The driver fetches them in batches. */
export async function* jobIdsOf(store: Store, datasetId: string): AsyncGenerator<string> {
  const jobs = collectionsOf(store).jobs.find({ dataset_id: datasetId }, { projection: { _id: 1 } });
  for await (const { _id } of jobs) yield _id;
}

/**
 * Open jobs of a dataset that run beside a load: embeddings, drops and imports of a model's vectors, and searches for
 * duplicates.
 */
export async function openBesideLoads(store: Store, datasetId: string): Promise<JobReference[]> {
  return collectionsOf(store)
    .jobs.find(
      { dataset_id: datasetId, kind: { $in: ['embed', 'drop', 'duplicates', 'export', 'import'] }, ...notEnded },
      { projection: reference },
    )
    .toArray();
}

/** An open job that embeds a dataset with this model, or imports its vectors; undefined if there is no other one. */
export async function openEmbeddingWith(
  store: Store,
  datasetId: string,
  modelKey: string,
  except = '',
): Promise<JobReference | undefined> {
  const embeds = { 'phases.embedding.model_key': modelKey, 'phases.embedding.finished_at': { $exists: false } };
  const filter = { dataset_id: datasetId, _id: { $ne: except }, ...embeds, ...notEnded };
  return (await collectionsOf(store).jobs.findOne(filter, { projection: reference })) ?? undefined;
}

/** IDs of running jobs whose embedding activities wait on a task queue. */
export async function runningOn(store: Store, taskQueue: string): Promise<string[]> {
  const found = await collectionsOf(store)
    .jobs.find({ state: 'running', 'phases.embedding.task_queue': taskQueue }, { projection: { _id: 1 } })
    .toArray();
  return found.map(({ _id }) => _id);
}

/** Counts all jobs by state. */
export async function countJobsByState(store: Store, maxTimeMS: number): Promise<Map<string, number>> {
  const rows = await collectionsOf(store)
    .jobs.aggregate<{ _id: string; n: number }>([{ $group: { _id: '$state', n: { $sum: 1 } } }], { maxTimeMS })
    .toArray();
  return new Map(rows.map(({ _id, n }) => [_id, n]));
}

/** Counts the files and vectors that ended jobs have written. */
export async function sumWrittenByEnded(
  store: Store,
  maxTimeMS: number,
): Promise<{ samples: number; vectors: number }> {
  const outcome = (name: string) => ({ $ifNull: [`$phases.indexing.outcomes.${name}`, 0] });
  const [sums] = await collectionsOf(store)
    .jobs.aggregate<{ samples: number; vectors: number }>(
      [
        { $match: { finished_at: { $exists: true } } },
        {
          $group: {
            _id: null,
            samples: { $sum: { $add: [outcome('added'), outcome('changed')] } },
            vectors: { $sum: '$phases.embedding.done' },
          },
        },
      ],
      { maxTimeMS },
    )
    .toArray();
  return { samples: sums?.samples ?? 0, vectors: sums?.vectors ?? 0 };
}

/** The devices on which completed loads and relocates of a dataset found their folders, latest job first. */
export async function* devicesOf(
  store: Store,
  datasetId: string,
): AsyncGenerator<{ kind: JobKind; source: string; device: string | undefined }> {
  const jobs = collectionsOf(store)
    .jobs.find(
      {
        dataset_id: datasetId,
        $or: [
          { kind: 'load', 'phases.indexing.state': 'completed' },
          { kind: 'relocate', state: 'completed' },
        ],
        source_device: { $exists: true },
      },
      { projection: { kind: 1, source_device: 1, 'request.source': 1, 'request.to': 1 } },
    )
    .sort(newestFirst);
  for await (const { kind, source_device, request } of jobs) {
    yield { kind, source: String(kind === 'relocate' ? request.to : request.source), device: source_device };
  }
}

/**
 * Whether an embedding job of the dataset was interrupted since a given time. A job whose first phase did nothing
 * leaves nothing to embed.
 */
export async function wasBrokenOffSince(
  store: Store,
  { datasetId, kinds, since, except }: { datasetId: string; kinds: readonly JobKind[]; since: Date; except: string },
): Promise<boolean> {
  const brokenOff = await collectionsOf(store).jobs.countDocuments(
    {
      dataset_id: datasetId,
      _id: { $ne: except },
      kind: { $in: [...kinds] },
      state: { $ne: 'completed' },
      'request.embed': { $ne: false },
      $and: [
        { $or: [{ finished_at: { $gt: since } }, notEnded] },
        {
          $or: [
            { 'phases.embedding.state': { $nin: ['completed', 'skipped'] } },
            { 'phases.indexing.done': { $gt: 0 } },
          ],
        },
      ],
    },
    { limit: 1 },
  );
  return brokenOff > 0;
}

/** Beginning. */

/** Records a job that Temporal has accepted but no worker has begun. Changes nothing if the job has a record. */
export async function insertQueued(
  store: Store,
  jobId: string,
  job: Omit<JobDocument, '_id' | 'state' | 'started_at'>,
): Promise<void> {
  await collectionsOf(store).jobs.updateOne(
    { _id: jobId },
    { $setOnInsert: { ...job, state: 'queued', started_at: new Date() } },
    { upsert: true },
  );
}

/** Records that a queued job is running and begins `phase`. */
export async function markRunning(store: Store, jobId: string, phase: PhaseName | undefined): Promise<void> {
  const begun: Partial<PhaseDocument> = { state: 'running', started_at: new Date() };
  await collectionsOf(store).jobs.updateOne(
    { _id: jobId, state: 'queued' },
    { $set: { state: 'running', ...(phase === undefined ? {} : pathsOf(phase, begun)) } },
  );
}

/** Notes the run that works on an open job. Returns whether the job is open. */
export async function noteRun(store: Store, jobId: string, run_id: string): Promise<boolean> {
  const { matchedCount } = await collectionsOf(store).jobs.updateOne({ _id: jobId, ...notEnded }, { $set: { run_id } });
  return matchedCount > 0;
}

/** Notes the run that has planned an open job's embedding. Returns whether another run had planned it before. */
export async function notePlanner(
  store: Store,
  jobId: string,
  planned_by: string,
  session: ClientSession,
): Promise<boolean> {
  const { jobs } = collectionsOf(store);
  const before = await jobs.findOneAndUpdate(
    { _id: jobId },
    { $set: { planned_by } },
    { session, returnDocument: 'before' },
  );
  return before?.planned_by !== undefined && before.planned_by !== planned_by;
}

/** Opens the record of a job that was reset. Counts of what it has removed or moved stay true. */
export async function reopenJob(
  store: Store,
  jobId: string,
  { runId, phases }: { runId: string; phases: JobDocument['phases'] },
  session: ClientSession,
): Promise<void> {
  const past = [
    'finished_at',
    'error',
    'retrying',
    'paused_at',
    'resumed_at',
    'retry_scope',
    'source_device',
    'compared',
    'exported',
    'artifact',
    'annotations',
    'imported',
    'import_position',
  ];
  await collectionsOf(store).jobs.updateOne(
    { _id: jobId },
    {
      $set: { run_id: runId, state: 'queued', phases },
      $unset: Object.fromEntries(past.map((field) => [field, true])),
    },
    { session },
  );
}

/** Records the source's device. The first call wins. */
export async function noteDevice(store: Store, jobId: string, source_device: string): Promise<void> {
  await collectionsOf(store).jobs.updateOne(
    { _id: jobId, source_device: { $exists: false } },
    { $set: { source_device } },
  );
}

/** The recorded device of a job's source. */
export async function deviceOfJob(store: Store, jobId: string): Promise<string | undefined> {
  const job = await collectionsOf(store).jobs.findOne({ _id: jobId }, { projection: { source_device: 1 } });
  return job?.source_device;
}

/** Records the scope of a retry. */
export async function noteRetryScope(
  store: Store,
  jobId: string,
  retry_scope: NonNullable<JobDocument['retry_scope']>,
): Promise<void> {
  await collectionsOf(store).jobs.updateOne({ _id: jobId }, { $set: { retry_scope } });
}

/** The recorded scope of a retry. */
export async function retryScopeOf(store: Store, jobId: string): Promise<JobDocument['retry_scope']> {
  return (await collectionsOf(store).jobs.findOne({ _id: jobId }, { projection: { retry_scope: 1 } }))?.retry_scope;
}

/** Phases. */

/** Writes fields of a phase. */
export async function setPhaseFields(
  store: Store,
  jobId: string,
  phase: PhaseName,
  fields: Partial<PhaseDocument>,
): Promise<void> {
  await collectionsOf(store).jobs.updateOne({ _id: jobId }, { $set: pathsOf(phase, fields) });
}

/**
 * Writes a change of an open phase, if the phase is still in the state that the caller read. Removes `waiting_for`
 * unless the change sets it, and `retrying`, because none of the phase's activities is left by then.
 */
export async function changePhase(
  store: Store,
  jobId: string,
  phase: PhaseName,
  { from, change }: { from: PhaseState; change: Partial<PhaseDocument> },
): Promise<void> {
  await collectionsOf(store).jobs.updateOne(
    { _id: jobId, [`phases.${phase}.state`]: from, [`phases.${phase}.finished_at`]: { $exists: false } },
    {
      $set: pathsOf(phase, { ...change, changed_at: new Date() }),
      $unset: {
        retrying: true,
        ...(change.waiting_for === undefined ? { [`phases.${phase}.waiting_for`]: true } : {}),
      },
    },
  );
}

/** Writes the end of a phase, unless the phase has ended. */
export async function finishPhase(
  store: Store,
  jobId: string,
  phase: PhaseName,
  end: Partial<PhaseDocument>,
): Promise<void> {
  await collectionsOf(store).jobs.updateOne(
    { _id: jobId, [`phases.${phase}.finished_at`]: { $exists: false } },
    { $set: pathsOf(phase, end), $unset: { [`phases.${phase}.waiting_for`]: true, retrying: true } },
  );
}

/**
 * Records that a phase is in progress, if the job is open, and if the given run works on it. Returns whether that is so.
 * The transaction then conflicts with the job's end and with a reset of the job.
 */
export async function touchOpenJob(
  store: Store,
  { jobId, phase, runId }: { jobId: string; phase: PhaseName; runId?: string | undefined },
  session: ClientSession,
): Promise<boolean> {
  const { matchedCount } = await collectionsOf(store).jobs.updateOne(
    { _id: jobId, ...notEnded, ...(runId === undefined ? {} : { run_id: runId }) },
    { $set: pathsOf(phase, { changed_at: new Date() }) },
    { session },
  );
  return matchedCount > 0;
}

/** Pausing. */

/** Records a pause, unless the job was resumed later than `at`. */
export async function markPaused(store: Store, jobId: string, at: Date): Promise<void> {
  await collectionsOf(store).jobs.updateOne(
    { _id: jobId, state: 'running', resumed_at: { $not: { $gte: at } } },
    { $set: { state: 'paused', paused_at: at } },
  );
}

const pausedBefore = (jobId: string, at: Date) => ({ _id: jobId, state: 'paused' as const, paused_at: { $lt: at } });

/** The job if it was paused before a given time. */
export async function findPausedBefore(store: Store, jobId: string, at: Date): Promise<JobDocument | undefined> {
  return (await collectionsOf(store).jobs.findOne(pausedBefore(jobId, at))) ?? undefined;
}

/** Records that a job resumes, if it was paused before a given time. */
export async function markResumed(
  store: Store,
  jobId: string,
  at: Date,
  phases: Partial<Record<PhaseName, Partial<PhaseDocument>>>,
): Promise<void> {
  const changes = Object.entries(phases).map(([phase, fields]) => pathsOf(phase as PhaseName, fields));
  await collectionsOf(store).jobs.updateOne(pausedBefore(jobId, at), {
    $set: { ...Object.assign({}, ...changes), state: 'running', resumed_at: at },
    // The pause has ended what was retried before it.
    $unset: { paused_at: true, retrying: true },
  });
}

/** Ending. */

/** Records a job's end, unless it has ended. */
export async function finishJob(
  store: Store,
  jobId: string,
  state: JobState,
  error: RecordedError | undefined,
): Promise<void> {
  await collectionsOf(store).jobs.updateOne(
    { _id: jobId, ...notEnded },
    {
      $set: { state, finished_at: new Date(), ...(error ? { error } : {}) },
      $unset: { paused_at: true, retrying: true },
    },
  );
}

/** Corrects the recorded end of a job whose end was noticed late. */
export async function setEnd(store: Store, jobId: string, finished_at: Date): Promise<void> {
  await collectionsOf(store).jobs.updateOne(
    { _id: jobId, finished_at: { $gt: finished_at }, started_at: { $lte: finished_at } },
    { $set: { finished_at } },
  );
}

/** Old records. */

/** Selects jobs that ended. */
export interface EndedJobs {
  /** Jobs that ended before this time. */
  before: Date;
  dataset?: string | undefined;
  /** Only jobs that ended in one of these states. */
  states?: readonly JobState[] | undefined;
}

/** Jobs that ended before a given time, oldest first. */
export async function endedBefore(
  store: Store,
  { before, dataset, states }: EndedJobs,
): Promise<Pick<JobDocument, '_id' | 'dataset_id' | 'kind' | 'state' | 'finished_at'>[]> {
  const filter: Filter<JobDocument> = {
    finished_at: { $lt: before },
    ...(dataset === undefined ? {} : { dataset_id: dataset }),
    ...(states === undefined ? {} : { state: { $in: [...states] } }),
  };
  const projection = { dataset_id: 1, kind: 1, state: 1, finished_at: 1 } as const;
  return collectionsOf(store).jobs.find(filter, { projection }).sort({ finished_at: 1, _id: 1 }).toArray();
}

/** Removes the records of jobs. */
export async function removeJobs(store: Store, jobIds: readonly string[]): Promise<void> {
  await collectionsOf(store).jobs.deleteMany({ _id: { $in: [...jobIds] } });
}

const RETENTION = { name: 'retention', key: { finished_at: 1 } } as const;

const INDEX_NOT_FOUND = 27;
const NAMESPACE_NOT_FOUND = 26;
const INDEX_OPTIONS_CONFLICT = 85;
const INDEX_KEY_SPECS_CONFLICT = 86;

/**
 * Lets MongoDB remove job records the given number of seconds after their jobs end; without a number, records are kept.
 * Repeated and concurrent calls are safe. If workers differ, the last call wins.
 */
export async function setRetention(store: Store, seconds: number | undefined): Promise<void> {
  const { jobs } = collectionsOf(store);
  const { name, key } = RETENTION;
  if (seconds === undefined) {
    await ignoring([INDEX_NOT_FOUND, NAMESPACE_NOT_FOUND], () => jobs.dropIndex(name));
    return;
  }
  const created = await ignoring([INDEX_OPTIONS_CONFLICT, INDEX_KEY_SPECS_CONFLICT], () =>
    jobs.createIndex(key, { name, expireAfterSeconds: seconds }),
  );
  if (created) return;
  await jobs.db.command({ collMod: jobs.collectionName, index: { name, expireAfterSeconds: seconds } });
}

/** Runs `work`. Returns false if it failed with one of these error codes. */
async function ignoring(codes: readonly number[], work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && codes.includes(Number(error.code))) return false;
    throw error;
  }
}

/** Notes how far the artifact of an open job is. */
export async function noteArtifact(store: Store, jobId: string, artifact: ArtifactStatus): Promise<void> {
  await collectionsOf(store).jobs.updateOne({ _id: jobId, ...notEnded }, { $set: { artifact } });
}

/** Notes how the annotations of an open job stand. */
export async function noteAnnotations(store: Store, jobId: string, annotations: AnnotationsStatus): Promise<void> {
  await collectionsOf(store).jobs.updateOne({ _id: jobId, ...notEnded }, { $set: { annotations } });
}

/** Notes how far the export of an open job is. */
export async function noteExported(store: Store, jobId: string, exported: ExportedCounts): Promise<void> {
  await collectionsOf(store).jobs.updateOne({ _id: jobId, ...notEnded }, { $set: { exported } });
}
