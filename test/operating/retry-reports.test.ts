import { ApplicationFailure, asyncLocalStorage, CancelledFailure, Context } from '@temporalio/activity';
import type { Db } from 'mongodb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createIndexingRoleActivities, type IndexingRoleDependencies } from '../../activities/indexing-role.ts';
import { withRetryReports } from '../../activities/retry-reports.ts';
import { bindCollections } from '../../core/store/collections.ts';
import type { Store } from '../../core/store/store.ts';

const RUN = { workflowId: 'load-photos', runId: 'run' };
const TIMED_OUT = { message: 'activity Heartbeat timeout', timeoutFailureInfo: { timeoutType: 4 } };
const FAILED = { message: 'no disk', applicationFailureInfo: { type: 'DiskError' } };

interface Setting {
  attempt?: number;
  /** Temporal's answer about the activity; null if it knows none. */
  pending?: Record<string, unknown> | null;
  lastFailure?: object;
  /** Events in the history of the run. */
  historyLength?: number;
  describe?: () => Promise<unknown>;
  canceled?: { cancelRequested: boolean };
}

/** An attempt of an activity, with what is asked and told. */
function attemptOf(setting: Setting) {
  const { attempt = 1, pending = {}, lastFailure, historyLength = 20, describe: ask, canceled } = setting;
  const asked: string[] = [];
  const signals: { retrying: { attempt: number; error: object } | null }[] = [];
  const records: string[] = [];
  const timeouts: number[] = [];
  const activity = { activityId: '7', attempt, lastFailure, lastAttemptCompleteTime: { seconds: 1 }, ...pending };
  const describeWorkflow = async () => {
    asked.push('describe');
    const raw = { pendingActivities: pending === null ? [] : [activity] };
    const answer = { type: 'loadDataset', ...RUN, historyLength, raw };
    return ask === undefined ? answer : ask();
  };
  const client = {
    withDeadline: (deadline: number, call: () => Promise<unknown>) => {
      timeouts.push(deadline - Date.now());
      return call();
    },
    workflow: {
      getHandle: () => ({
        describe: describeWorkflow,
        signal: async (_name: string, report: never) => signals.push(report),
      }),
    },
  };
  const jobs = {
    async findOneAndUpdate(_filter: object, update: { $set: Record<string, unknown> }, options: { timeoutMS: number }) {
      timeouts.push(options.timeoutMS);
      records.push(`attempt ${update.$set['retrying.run-7.attempt']}`);
      return null;
    },
    async updateOne(_filter: object, update: object) {
      records.push(Object.keys(update).join());
    },
  };
  const store = {} as Store;
  bindCollections(store, { collection: () => jobs } as unknown as Db);
  const aborted = new AbortController();
  if (canceled !== undefined) aborted.abort(new CancelledFailure('CANCELLED'));
  const info = { activityId: '7', activityType: 'listSource', attempt, workflowExecution: RUN };
  const context = new Context(
    { ...info, scheduledTimestampMs: Date.now() } as never,
    new Promise<never>(() => undefined),
    aborted.signal,
    () => undefined,
    client as never,
    { debug: () => undefined } as never,
    undefined as never,
    { details: canceled as never },
  );
  const run = (work: () => Promise<unknown>) =>
    asyncLocalStorage.run(context, () => withRetryReports(store, { listSource: work }).listSource());
  return { asked, signals, records, timeouts, context, store, run };
}

const fail = async () => {
  throw new Error('no disk');
};

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }));
afterEach(() => void vi.useRealTimers());

describe('an attempt', () => {
  it('that is the first one and goes well asks and tells nobody anything', async () => {
    const first = attemptOf({});
    expect(await first.run(async () => 'done')).toBe('done');
    expect(first).toMatchObject({ asked: [], signals: [], records: [] });
  });

  it('that fails tells which attempt comes next, and why', async () => {
    const first = attemptOf({});
    await expect(first.run(fail)).rejects.toThrow('no disk');
    const error = { code: 'Error', message: 'no disk' };
    expect(first.signals).toMatchObject([{ key: 'run-7', retrying: { activity: 'listSource', attempt: 2, error } }]);
    expect(first.records).toEqual(['attempt 2']);
  });

  it('that fails and is not the first tells its workflow ever more rarely, and the record each time', async () => {
    const told: number[] = [];
    for (let attempt = 1; attempt < 40; attempt += 1) {
      const one = attemptOf({ attempt, lastFailure: FAILED });
      await expect(one.run(fail)).rejects.toThrow();
      told.push(...one.signals.flatMap(({ retrying }) => retrying?.attempt ?? []));
      expect(one.records.at(-1)).toBe(`attempt ${attempt + 1}`);
    }
    expect(told).toEqual([2, 3, 4, 8, 16, 32]);
  });

  it('whose predecessor died tells that at its start, and takes it back at its end', async () => {
    const second = attemptOf({ attempt: 2, lastFailure: TIMED_OUT });
    await second.run(async () => undefined);
    expect(second.signals).toMatchObject([
      { retrying: { attempt: 2, since: '1970-01-01T00:00:01.000Z', error: { code: 'TimedOut' } } },
      { retrying: null },
    ]);
    expect(second.records).toEqual(['attempt 2', '$unset']);
  });

  it('takes its report back later if Temporal does not answer at once', async () => {
    let answers = false;
    const answer = { type: 'loadDataset', ...RUN, historyLength: 20, raw: { pendingActivities: [] } };
    const describe = async () => (answers ? answer : Promise.reject(new Error('no answer')));
    const second = attemptOf({ attempt: 2, lastFailure: TIMED_OUT, describe });
    await second.run(async () => undefined);
    expect(second).toMatchObject({ signals: [], records: [] });

    answers = true;
    await vi.runAllTimersAsync();
    expect(second).toMatchObject({ signals: [{ retrying: null }], records: ['$unset'] });
  });

  it('whose predecessor died tells its workflow of that ever more rarely, too', async () => {
    const told: number[] = [];
    for (let attempt = 2; attempt < 20; attempt += 1) {
      const one = attemptOf({ attempt, lastFailure: TIMED_OUT });
      await one.run(async () => undefined);
      told.push(...one.signals.flatMap(({ retrying }) => retrying?.attempt ?? []));
    }
    expect(told).toEqual([2, 3, 4, 8, 16]);
  });

  it.each([fail, async () => 'done'])('that was given up leaves the report to the next one (%#)', async (work) => {
    const third = attemptOf({ attempt: 3, lastFailure: FAILED, canceled: { cancelRequested: false } });
    await third.run(work).catch(() => undefined);
    expect(third.signals).toEqual([]);
    expect(third.records).toEqual(['attempt 3']);
  });

  it('that has run for a minute is no longer shown, but is once it fails', async () => {
    const fifth = attemptOf({ attempt: 5, lastFailure: FAILED });
    const { promise, reject } = Promise.withResolvers<void>();
    const running = fifth.run(() => promise);
    await vi.advanceTimersByTimeAsync(3 * 60_000);
    expect(fifth.signals).toEqual([]);
    await vi.advanceTimersByTimeAsync(61_000);
    expect(fifth.signals).toMatchObject([{ retrying: null }]);
    reject(new Error('no disk'));
    await expect(running).rejects.toThrow();
    expect(fifth.signals).toMatchObject([{ retrying: null }, { retrying: { attempt: 6 } }]);
    expect(fifth.records).toEqual(['attempt 5', '$unset', 'attempt 6']);
  });

  it.each<[string, Setting, () => Promise<unknown>]>([
    [
      'that fails for good',
      {},
      async () => {
        throw ApplicationFailure.create({ type: 'SourceNotFound', nonRetryable: true });
      },
    ],
    ['whose workflow has asked it to stop', { pending: { state: 3 } }, fail],
    ['that knows that it is to stop', { canceled: { cancelRequested: true } }, fail],
  ])('%s takes the report back', async (_, setting, work) => {
    const third = attemptOf({ attempt: 3, lastFailure: FAILED, ...setting });
    await expect(third.run(work)).rejects.toThrow();
    expect(third.signals).toEqual([{ key: 'run-7', retrying: null }]);
    expect(third.records.at(-1)).toBe('$unset');
  });

  it.each<[string, Setting]>([
    ['that Temporal has given up for another', { pending: { attempt: 3 } }],
    ['whose activity has ended', { pending: null }],
    ['whose worker stops', { canceled: { cancelRequested: false } }],
  ])('%s reports nothing', async (_, setting) => {
    const first = attemptOf(setting);
    await expect(first.run(fail)).rejects.toThrow('no disk');
    expect(first).toMatchObject({ signals: [], records: [] });
  });

  it('ends as it would if Temporal does not answer', async () => {
    const describe = () => Promise.reject(new Error('14 UNAVAILABLE'));
    await expect(attemptOf({ attempt: 2, describe }).run(fail)).rejects.toThrow('no disk');
    expect(await attemptOf({ attempt: 2, describe }).run(async () => 'done')).toBe('done');
  });

  it('gives each question and each write two seconds at most', async () => {
    const second = attemptOf({ attempt: 2, lastFailure: TIMED_OUT });
    await expect(second.run(fail)).rejects.toThrow();
    expect(second.timeouts.length).toBeGreaterThan(3);
    for (const timeout of second.timeouts) expect(timeout).toBeLessThanOrEqual(2000);
  });

  it('adds nothing to a history that is long, but takes back what stands there', async () => {
    const reported = async (historyLength: number) => {
      const second = attemptOf({ attempt: 2, lastFailure: TIMED_OUT, historyLength });
      await second.run(async () => undefined);
      expect(second.records).toEqual(['attempt 2', '$unset']);
      return second.signals.map(({ retrying }) => retrying?.attempt ?? null);
    };
    expect(await reported(9_999)).toEqual([2, null]);
    expect(await reported(10_000)).toEqual([null]);
    expect(await reported(11_000)).toEqual([]);
  });

  it('keeps the first thousand characters of a message', async () => {
    const first = attemptOf({});
    const work = () => Promise.reject(new Error('x'.repeat(1001)));
    await expect(first.run(work)).rejects.toThrow();
    expect(first.signals).toMatchObject([{ retrying: { error: { message: 'x'.repeat(1000) } } }]);
  });
});

it('many attempts ask Temporal one after another, and not once their time is over', async () => {
  let open = 0;
  let most = 0;
  const describe = async () => {
    open += 1;
    most = Math.max(most, open);
    await vi.advanceTimersByTimeAsync(700);
    open -= 1;
    throw new Error('4 DEADLINE_EXCEEDED');
  };
  const attempts = Array.from({ length: 6 }, () => attemptOf({ describe }));
  await Promise.allSettled(attempts.map((attempt) => attempt.run(fail)));
  expect(most).toBe(1);
  expect(attempts.map(({ asked }) => asked.length)).toEqual([1, 1, 1, 0, 0, 0]);
});

it('the delivery of a webhook is no part of a job, and reports nothing to one', async () => {
  const delivery = attemptOf({});
  const { sendWebhook } = createIndexingRoleActivities({ store: delivery.store } as IndexingRoleDependencies);
  const message = { webhook_id: 'id', url: 'https://hooks.example.com', secret: 'default', payload: {} };
  await expect(asyncLocalStorage.run(delivery.context, () => sendWebhook(message))).rejects.toThrow();
  expect(delivery.asked).toEqual([]);
});
