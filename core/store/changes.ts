import type { ChangeStream, ResumeToken, Timestamp } from 'mongodb';
import { collectionsOf } from './collections.ts';
import type { Store } from './store.ts';

/** A change of a document, without its content. */
export interface Change {
  _id: ResumeToken;
  ns: { coll: string };
  documentKey: { _id: string };
  operationType: string;
}

/** Which document changed. */
export type Changed = { kind: 'job'; jobId: string } | { kind: 'dataset'; datasetId: string };

/** What a change is about; undefined for a removed job, whose record is not to be read again. */
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

/** Changes of samples are left out: there are many, and a dataset's counts tell of them. */
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

/** The server's time of operations: a stream from it on misses nothing between opening it and its first answer. */
async function nowOf(store: Store): Promise<Timestamp> {
  const { operationTime } = await dbOf(store).command({ ping: 1 });
  return operationTime;
}

/** Changes of all jobs and datasets, from a change on or from now on. */
export async function watchAll(store: Store, resumeAfter: ResumeToken | undefined): Promise<ChangeStream> {
  const start = resumeAfter === undefined ? { startAtOperationTime: await nowOf(store) } : { resumeAfter };
  return dbOf(store).watch(OF_JOBS_AND_DATASETS, start);
}

/** Changes of one job, from now on. */
export async function watchJob(store: Store, jobId: string): Promise<ChangeStream> {
  return dbOf(store).watch(ofJob(jobId), { startAtOperationTime: await nowOf(store) });
}
