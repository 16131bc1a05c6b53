import { UserError } from '../errors.ts';

/** The error for work that is asked for after its job has ended or was reset. A run that goes on shows it to people. */
export const jobEnded = (jobId: string) =>
  new UserError(
    'Superseded',
    `Job ${jobId} has ended, so its workflow can't go on from here. Start it again: it goes on from what is stored.`,
  );
