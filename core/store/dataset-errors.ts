import { UserError } from '../errors.ts';

export const datasetNotFound = (datasetId: string) =>
  new UserError(
    'DatasetNotFound',
    `There is no dataset "${datasetId}". Load it first: plimsoll load FOLDER --dataset ${datasetId}`,
  );

/** The error for a removal of an unknown dataset. Its message does not suggest a load. */
export const datasetNotThere = (datasetId: string) =>
  new UserError('DatasetNotFound', `There is no dataset "${datasetId}". See what was loaded: plimsoll jobs`);

/** The error for a job whose dataset was deleted while it ran. */
export const datasetDeletedMeanwhile = (datasetId: string) =>
  new UserError('DatasetNotFound', `Dataset ${datasetId} was deleted while this job worked on it.`);

export const datasetBeingDeleted = (datasetId: string, jobId: string) =>
  new UserError(
    'DatasetBeingDeleted',
    `Dataset "${datasetId}" is being deleted by job ${jobId}. Wait for it, or, if it was broken off, end it: plimsoll delete ${datasetId}`,
  );
