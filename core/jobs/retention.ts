import { parseDuration } from '../duration.ts';
import { UserError } from '../errors.ts';
import { setRetention } from '../store/jobs.ts';
import type { Store } from '../store/store.ts';

/**
 * Parses the job retention setting, in milliseconds. Undefined if it is unset.
 *
 * @throws UserError InvalidSetting
 */
export function retentionOf(text: string | undefined): number | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 1000) return ms;
  throw new UserError(
    'InvalidSetting',
    `PLIMSOLL_JOB_RETENTION (jobRetention of the plugin): "${text}" is not a duration of a second or more. ` +
      'Give one with a unit, such as 90d or 12h, or leave it unset to keep job records.',
  );
}

/** Lets MongoDB remove job records this long after their jobs end. Without a duration, records are kept. */
export async function keepJobsFor(store: Store, retentionMs: number | undefined): Promise<void> {
  await setRetention(store, retentionMs === undefined ? undefined : Math.round(retentionMs / 1000));
}
