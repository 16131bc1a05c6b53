import { opendir, stat } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { MongoServerError } from 'mongodb';
import type { JobKind } from '../../contract/job.ts';
import { systemErrorCode, UserError } from '../errors.ts';
import { datasetBeingDeleted, datasetNotFound } from '../store/dataset-errors.ts';
import type { MediaType, PhaseDocument } from '../store/documents.ts';
import { DUPLICATE_KEY, type Store } from '../store/store.ts';
import { indexes } from './kinds.ts';

const PENDING: PhaseDocument = { state: 'pending', done: 0, failed: 0, total: 0, total_known: false };
const SKIPPED: PhaseDocument = { state: 'skipped', done: 0, failed: 0, total: 0, total_known: true };

export interface JobRecord {
  jobId: string;
  workflowId: string;
  kind: JobKind;
  datasetId: string;
  request: Record<string, unknown>;
  /** Whether the load will embed. */
  embeds: boolean;
}

/** Records that Temporal has accepted a load which no worker has begun yet. */
export async function recordQueued(store: Store, record: JobRecord): Promise<void> {
  const now = new Date();
  await store.jobs.updateOne(
    { _id: record.jobId },
    {
      $setOnInsert: {
        kind: record.kind,
        dataset_id: record.datasetId,
        workflow_id: record.workflowId,
        request: record.request,
        state: 'queued',
        phases: {
          indexing: indexes(record.kind) ? PENDING : SKIPPED,
          embedding: record.embeds ? PENDING : SKIPPED,
        },
        started_at: now,
      },
    },
    { upsert: true },
  );
}

/** Records that a load is running, whether or not its client recorded it. Doing it again changes nothing. */
export async function recordJob(store: Store, record: JobRecord): Promise<void> {
  await recordQueued(store, record);
  const queued = { _id: record.jobId, state: 'queued' as const };
  const now = new Date();
  await store.jobs.updateOne(queued, {
    $set: {
      state: 'running',
      ...(indexes(record.kind) ? { 'phases.indexing.state': 'running', 'phases.indexing.started_at': now } : {}),
    },
  });
}

/**
 * Makes the dataset where there is none, and notes its source and its latest load.
 *
 * @throws UserError DatasetBeingDeleted
 */
export async function openDataset(
  store: Store,
  dataset: { datasetId: string; mediaType: MediaType; source: string; jobId: string },
): Promise<void> {
  const now = new Date();
  const open = () =>
    store.datasets.updateOne(
      { _id: dataset.datasetId, deleting: { $exists: false } },
      {
        $setOnInsert: {
          media_type: dataset.mediaType,
          next_seq: 0,
          counts: { total: 0, indexed: 0, failed: 0, missing: 0 },
          models: [],
          created_at: now,
        },
        $addToSet: { sources: dataset.source },
        $set: {
          latest_job: dataset.jobId,
          last_modified_at: now,
          'phases.indexing': { state: 'running', job_id: dataset.jobId, at: now },
        },
      },
      { upsert: true },
    );
  try {
    await open();
  } catch (error) {
    // It is there, and did not match.
    if (!(error instanceof MongoServerError) || error.code !== DUPLICATE_KEY) throw error;
    const { deleting } = (await store.datasets.findOne({ _id: dataset.datasetId })) ?? {};
    throw deleting === undefined ? error : datasetBeingDeleted(dataset.datasetId, deleting.job_id);
  }
}

/** Notes that a job which is no load of a source indexes, too. */
export async function openIndexing(store: Store, datasetId: string, jobId: string): Promise<void> {
  const at = new Date();
  await store.datasets.updateOne(
    { _id: datasetId },
    { $set: { 'phases.indexing': { state: 'running', job_id: jobId, at }, last_modified_at: at } },
  );
}

/** @throws UserError DatasetNotFound, DatasetBeingDeleted */
export async function requireDataset(
  store: Store,
  datasetId: string,
  jobId: string,
  notFound = datasetNotFound,
): Promise<void> {
  const { matchedCount } = await store.datasets.updateOne(
    { _id: datasetId, deleting: { $exists: false } },
    { $set: { latest_job: jobId } },
  );
  if (matchedCount > 0) return;
  const { deleting } = (await store.datasets.findOne({ _id: datasetId })) ?? {};
  throw deleting === undefined ? notFound(datasetId) : datasetBeingDeleted(datasetId, deleting.job_id);
}

/**
 * The folder's absolute path without a trailing slash.
 *
 * @throws UserError SourceNotAbsolute, SourceNotFound, SourceNotAFolder, SourceUnreadable or SourceEmpty
 */
export async function checkSource(source: string): Promise<string> {
  if (!isAbsolute(source)) {
    throw new UserError(
      'SourceNotAbsolute',
      `source: "${source}" is not an absolute path. It is opened on the worker's machine, so it must be absolute there.`,
    );
  }
  const root = resolve(source);
  try {
    if (!(await stat(root)).isDirectory()) {
      throw new UserError('SourceNotAFolder', `source: ${root} is a file. Name the folder that it is in.`);
    }
    const folder = await opendir(root);
    const first = await folder.read();
    await folder.close();
    if (first === null) {
      throw new UserError('SourceEmpty', `source: ${root} is empty. Nothing was changed. Is the disk mounted?`);
    }
  } catch (error) {
    throw sourceError(root, error);
  }
  return root;
}

/** Notes which disk the source is on, once: a load that is taken up again must find the same. */
export async function recordDevice(store: Store, jobId: string, root: string): Promise<void> {
  const source_device = await deviceOf(root);
  await store.jobs.updateOne({ _id: jobId, source_device: { $exists: false } }, { $set: { source_device } });
}

/** The device that a folder is on. An inode would tell more, but network file systems give new ones at will. */
export async function deviceOf(folder: string): Promise<string> {
  return String((await stat(folder, { bigint: true })).dev);
}

/** What a failure to read a source's root means to the caller; any other error as it is. */
export function sourceError(root: string, error: unknown): unknown {
  switch (systemErrorCode(error)) {
    case 'ENOENT':
      return new UserError(
        'SourceNotFound',
        `source: there is no folder ${root} on the worker's machine. Nothing was changed.`,
        { cause: error },
      );
    case 'ENOTDIR':
      return new UserError('SourceNotAFolder', `source: a part of ${root} is a file, not a folder.`, { cause: error });
    case 'EACCES':
    case 'EPERM':
      return new UserError(
        'SourceUnreadable',
        `source: the worker may not read ${root}. Give its user the right to, or run it as another.`,
        { cause: error },
      );
    case 'ELOOP':
      return new UserError('SourceUnreadable', `source: ${root} is a link that leads back to itself.`, {
        cause: error,
      });
    case 'ENAMETOOLONG':
      return new UserError(
        'SourceNotFound',
        `source: the path is longer than the system allows: ${root.slice(0, 100)}…`,
        { cause: error },
      );
    default:
      return error;
  }
}
