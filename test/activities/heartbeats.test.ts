import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { withHeartbeats, withSteps } from '../../activities/heartbeats.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Runs work in an activity, whose attempt before has left these details. Returns the heartbeats that it sends. */
function inActivity<T>(work: () => Promise<T>, heartbeatDetails?: unknown) {
  const beats: unknown[] = [];
  const canceled = new AbortController();
  const context = {
    info: { heartbeatDetails },
    heartbeat: (details: unknown) => beats.push(details),
    cancellationSignal: canceled.signal,
  } as unknown as Context;
  return { beats, cancel: () => canceled.abort(), result: asyncLocalStorage.run(context, work) };
}

const minutes = (n: number) => vi.advanceTimersByTimeAsync(n * 60_000);
const seconds = (n: number) => vi.advanceTimersByTimeAsync(n * 1000);

describe('an activity', () => {
  it('sends none if it is over soon, and then one every five seconds, until it ends', async () => {
    const end = Promise.withResolvers<string>();
    const { beats, result } = inActivity(() => withHeartbeats(() => end.promise));
    await seconds(4);
    expect(beats).toHaveLength(0);
    await minutes(60);
    expect(beats).toHaveLength(720);
    end.resolve('done');
    expect(await result).toBe('done');
    await minutes(1);
    expect(beats).toHaveLength(720);
  });

  it('keeps the details of the attempt before it until it has got on', async () => {
    const work = Promise.withResolvers<void>();
    let step: (details?: unknown) => void = () => undefined;
    const { beats, result } = inActivity(
      () =>
        withSteps(({ onStep }) => {
          step = onStep;
          return work.promise;
        }),
      { batches: 3 },
    );
    await seconds(5);
    step();
    await seconds(5);
    step({ batches: 4 });
    step();
    await seconds(5);
    work.resolve();
    await result;
    expect(beats).toEqual([{ batches: 3 }, { batches: 3 }, { batches: 4 }]);
  });

  it('goes on for hours while its steps end, and fails a quarter of an hour after the last one', async () => {
    let step: () => void = () => undefined;
    let aborted = false;
    const { beats, result } = inActivity(() =>
      withSteps(({ onStep, signal }) => {
        step = onStep;
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        return new Promise<void>(() => undefined);
      }),
    );
    const failed = expect(result).rejects.toThrow('No step of this activity ended in 15 minutes.');
    for (let n = 0; n < 12; n += 1) {
      await minutes(14);
      step();
    }
    await minutes(14);
    expect(aborted).toBe(false);
    await minutes(2);
    await failed;
    expect(aborted).toBe(true);
    const sent = beats.length;
    await minutes(5);
    expect(beats).toHaveLength(sent);
  });

  it('is told of a cancel by its signal', async () => {
    const { cancel, result } = inActivity(() =>
      withSteps(({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve('stopped')))),
    );
    cancel();
    expect(await result).toBe('stopped');
  });
});
