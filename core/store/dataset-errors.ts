import { UserError } from '../errors.ts';

/** The error for an unknown dataset. */
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

/** The error for a dataset that is marked for deletion. */
export const datasetBeingDeleted = (datasetId: string, jobId: string) =>
  new UserError(
    'DatasetBeingDeleted',
    `Dataset "${datasetId}" is being deleted by job ${jobId}. ` +
      `Wait for it to end. If it was interrupted, delete the rest: plimsoll delete ${datasetId}`,
  );
