import { MongoServerError } from 'mongodb';
import { parseDuration } from '../duration.ts';
import { UserError } from '../errors.ts';
import type { Store } from '../store/store.ts';

const INDEX = 'retention';
const KEY = { finished_at: 1 } as const;

const INDEX_NOT_FOUND = 27;
const NAMESPACE_NOT_FOUND = 26;
const INDEX_OPTIONS_CONFLICT = 85;
const INDEX_KEY_SPECS_CONFLICT = 86;

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

/**
 * Has MongoDB itself remove job records so long after their jobs ended, or no longer where no time is given. Doing it again
 * changes nothing, and several workers may do it at once; where they differ, the last one's word holds.
 */
export async function keepJobsFor(store: Store, retentionMs: number | undefined): Promise<void> {
  if (retentionMs === undefined) {
    await ignoring([INDEX_NOT_FOUND, NAMESPACE_NOT_FOUND], () => store.jobs.dropIndex(INDEX));
    return;
  }
  const expireAfterSeconds = Math.round(retentionMs / 1000);
  const created = await ignoring([INDEX_OPTIONS_CONFLICT, INDEX_KEY_SPECS_CONFLICT], () =>
    store.jobs.createIndex(KEY, { name: INDEX, expireAfterSeconds }),
  );
  if (created) return;
  const { db, collectionName } = store.jobs;
  await db.command({ collMod: collectionName, index: { name: INDEX, expireAfterSeconds } });
}

/** Returns whether it went well; false where it failed for one of these reasons. */
async function ignoring(codes: readonly number[], work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && codes.includes(Number(error.code))) return false;
    throw error;
  }
}
