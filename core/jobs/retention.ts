import { parseDuration } from '../duration.ts';
import { UserError } from '../errors.ts';
import { setRetention } from '../store/jobs.ts';
import type { Store } from '../store/store.ts';

/**
 * How long job records are kept, in milliseconds, as the setting has it; undefined where it is unset.
 *
 * @throws UserError InvalidSetting
 */
export function retentionOf(text: string | undefined): number | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 1000) return ms;
  throw new UserError(
    'InvalidSetting',
    `PLIMSOLL_JOB_RETENTION (jobRetention of the plugin): "${text}" is no time span of a second or more. Give one with a unit, as 90d or 12h, or leave it unset to keep job records.`,
  );
}

/** Has MongoDB remove the records of jobs so long after their ends; keeps them where no time is given. */
export async function keepJobsFor(store: Store, retentionMs: number | undefined): Promise<void> {
  await setRetention(store, retentionMs === undefined ? undefined : Math.round(retentionMs / 1000));
}
