import { collectionsOf } from './collections.ts';
import type { LimitDocument } from './documents.ts';
import type { Store } from './store.ts';

/** The most unused time that a queue may catch up on. A worker that wakes up late must not lower the rate. */
const CREDIT_MS = 1000;
/** Waits of batches belong to one stretch if they are no further apart than this. */
const MAX_GAP_MS = 3000;
/**
 * The server's clock in fractional milliseconds. Workers' clocks differ, and at a high rate a sample takes less than
 * one millisecond.
 */
const SERVER_NOW_MS = { $toDouble: { $toLong: '$$NOW' } };
/** The rounding error of the clock's sums stays below this. */
const ROUNDING_MS = 1;

/** The limit of a task queue; undefined if none is set. */
export async function findLimit(store: Store, taskQueue: string): Promise<LimitDocument | undefined> {
  return (await collectionsOf(store).limits.findOne({ _id: taskQueue })) ?? undefined;
}

/** Limits, sorted by task queue name. */
export async function listLimits(store: Store, limit: number): Promise<LimitDocument[]> {
  return collectionsOf(store).limits.find().sort({ _id: 1 }).limit(limit).toArray();
}

/** Removes the limit of a task queue. */
export async function removeLimit(store: Store, taskQueue: string): Promise<void> {
  await collectionsOf(store).limits.deleteOne({ _id: taskQueue });
}

/**
 * Sets a limit. The last batch still owes its time, at the new rate. A longer debt comes from a clock that was set
 * back, and is dropped.
 */
export async function writeLimit(store: Store, taskQueue: string, samplesPerSecond: number): Promise<void> {
  const aheadMs = { $max: [0, { $subtract: [{ $ifNull: ['$next_ms', SERVER_NOW_MS] }, SERVER_NOW_MS] }] };
  const owedMs = { $cond: [{ $gt: [aheadMs, { $add: [{ $ifNull: ['$owed_ms', 0] }, ROUNDING_MS] }] }, 0, aheadMs] };
  const ratio = { $divide: [{ $ifNull: ['$samples_per_second', samplesPerSecond] }, samplesPerSecond] };
  await collectionsOf(store).limits.updateOne(
    { _id: taskQueue },
    [
      {
        $set: {
          samples_per_second: samplesPerSecond,
          set_at: '$$NOW',
          next_ms: { $add: [SERVER_NOW_MS, { $multiply: [owedMs, ratio] }] },
          owed_ms: { $multiply: [owedMs, ratio] },
        },
      },
    ],
    { upsert: true },
  );
}

/**
 * Asks for permission to embed a number of samples now. Returns the milliseconds to wait before asking again, 0 if the
 * batch may start, and undefined if there is no limit.
 */
export async function askLimit(store: Store, taskQueue: string, samples: number): Promise<number | undefined> {
  const limit = await collectionsOf(store).limits.findOneAndUpdate({ _id: taskQueue }, taking(samples), {
    returnDocument: 'after',
  });
  if (limit === null) return undefined;
  const { granted, next_ms, asked_ms } = limit as Required<LimitDocument>;
  return granted ? 0 : Math.max(1, next_ms - asked_ms);
}

/** Takes a batch's time if it may start now, and records since when batches have had to wait. */
function taking(samples: number) {
  const aheadMs = { $subtract: ['$next_ms', SERVER_NOW_MS] };
  const mayStart = { $or: [{ $lte: [aheadMs, 0] }, { $gt: [aheadMs, { $add: ['$owed_ms', ROUNDING_MS] }] }] };
  const takesMs = { $divide: [samples * 1000, '$samples_per_second'] };
  const earliest = { $max: ['$next_ms', { $subtract: [SERVER_NOW_MS, CREDIT_MS] }] };
  const next = { $add: [{ $min: [earliest, SERVER_NOW_MS] }, takesMs] };
  const sinceThen = { $subtract: ['$$NOW', { $ifNull: ['$throttled_at', '$set_at'] }] };
  const goesOn = {
    $and: [{ $ne: [{ $type: '$throttled_since' }, 'missing'] }, { $lte: [sinceThen, MAX_GAP_MS] }],
  };
  return [
    { $set: { granted: mayStart, asked_ms: SERVER_NOW_MS } },
    {
      $set: {
        next_ms: { $cond: ['$granted', next, '$next_ms'] },
        owed_ms: { $cond: ['$granted', takesMs, '$owed_ms'] },
        throttled_since: { $cond: ['$granted', '$throttled_since', { $cond: [goesOn, '$throttled_since', '$$NOW'] }] },
        throttled_at: { $cond: ['$granted', '$throttled_at', '$$NOW'] },
      },
    },
  ];
}

/** Shorter waits are not reported. */
const MIN_REPORTED_MS = 2000;

/** Since when a limit has throttled its task queue, and the limit. */
export interface Throttled {
  since: Date;
  samples_per_second: number;
}

/** Since when the limit has throttled the workers of a task queue. Undefined if it does not. */
export async function findThrottled(store: Store, taskQueue: string): Promise<Throttled | undefined> {
  const limit = await collectionsOf(store).limits.findOne<{
    samples_per_second: number;
    throttled_since?: Date;
    since_ms?: number | null;
    last_ms?: number | null;
  }>(
    { _id: taskQueue },
    {
      projection: {
        samples_per_second: 1,
        throttled_since: 1,
        since_ms: { $subtract: ['$$NOW', '$throttled_since'] },
        last_ms: { $subtract: ['$$NOW', '$throttled_at'] },
      },
    },
  );
  if (limit?.throttled_since === undefined || limit.last_ms == null || limit.since_ms == null) return undefined;
  if (limit.last_ms > MAX_GAP_MS || limit.since_ms < MIN_REPORTED_MS) return undefined;
  return { since: limit.throttled_since, samples_per_second: limit.samples_per_second };
}
