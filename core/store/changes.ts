import type { ChangeStream, ResumeToken, Timestamp } from 'mongodb';
import { collectionsOf } from './collections.ts';
import type { Store } from './store.ts';

/** A change event, reduced to the fields that identify the document. */
export interface Change {
  _id: ResumeToken;
  ns: { coll: string };
  documentKey: { _id: string };
  operationType: string;
}

/** Which document changed. */
export type Changed = { kind: 'job'; jobId: string } | { kind: 'dataset'; datasetId: string };

/** The job or dataset that a change is about. Undefined for a removed job, whose record is not read again. */
export function changedBy({ ns, documentKey, operationType }: Change): Changed | undefined {
  switch (ns.coll) {
    case 'datasets':
      return { kind: 'dataset', datasetId: documentKey._id };
    case 'jobs':
      return operationType === 'delete' ? undefined : { kind: 'job', jobId: documentKey._id };
    case 'progress':
      return { kind: 'job', jobId: documentKey._id.split('/', 1)[0] as string };
  }
  return undefined;
}

/** Omits changes of samples: they are many, and a dataset's counts reflect them. */
const OF_JOBS_AND_DATASETS = [
  {
    $match: {
      $or: [{ 'ns.coll': { $in: ['jobs', 'datasets'] } }, { 'ns.coll': 'progress', operationType: { $ne: 'delete' } }],
      operationType: { $in: ['insert', 'update', 'replace', 'delete'] },
    },
  },
  { $project: { ns: 1, documentKey: 1, operationType: 1 } },
];

const ofJob = (jobId: string) => [
  {
    $match: {
      $or: [
        { 'ns.coll': 'jobs', 'documentKey._id': jobId },
        { 'ns.coll': 'progress', 'documentKey._id': { $regex: `^${jobId}/` } },
      ],
    },
  },
];

const dbOf = (store: Store) => collectionsOf(store).jobs.db;

/** The server's operation time. A stream that starts at it misses nothing between its opening and its first answer. */
async function nowOf(store: Store): Promise<Timestamp> {
  const { operationTime } = await dbOf(store).command({ ping: 1 });
  return operationTime;
}

/** Opens a stream of changes of all jobs and datasets, after `resumeAfter` or from now on. */
export async function watchAll(store: Store, resumeAfter: ResumeToken | undefined): Promise<ChangeStream> {
  const start = resumeAfter === undefined ? { startAtOperationTime: await nowOf(store) } : { resumeAfter };
  return dbOf(store).watch(OF_JOBS_AND_DATASETS, start);
}

/** Opens a stream of changes of one job, from now on. */
export async function watchJob(store: Store, jobId: string): Promise<ChangeStream> {
  return dbOf(store).watch(ofJob(jobId), { startAtOperationTime: await nowOf(store) });
}
