import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLimiter } from '../../core/limits/limiter.ts';
import { setLimit } from '../../core/limits/limits.ts';
import { bindCollections, collectionsOf } from '../../core/store/collections.ts';
import type { Store } from '../../core/store/store.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
});
afterAll(() => bench?.stop());

const newQueue = () => `queue-${randomUUID()}`;
const never = new AbortController().signal;
const quietly = { signal: never, onWait: () => undefined };

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

/** The same database, with something done before each question after a limit. */
function watchedStore(beforeAsking: () => unknown): Store {
  const watched = <T extends object>(target: T, replace: (name: PropertyKey, value: unknown) => unknown): T =>
    new Proxy(target, {
      get: (_, name) => {
        const value = Reflect.get(target, name, target);
        return replace(name, typeof value === 'function' ? value.bind(target) : value);
      },
    });
  const limits = watched(collectionsOf(bench.store).limits, (name, value) =>
    name !== 'findOneAndUpdate'
      ? value
      : async (...args: unknown[]) => {
          await beforeAsking();
          return (value as (...args: unknown[]) => unknown)(...args);
        },
  );
  const db = bench.store.client.db(bench.store.database);
  const store = { ...bench.store };
  bindCollections(
    store,
    watched(db, (name, value) =>
      name !== 'collection'
        ? value
        : (collection: string) => (collection === 'limits' ? limits : db.collection(collection)),
    ),
  );
  return store;
}

/** Takes the only batch that may go at once, so that the next one has to wait for hours. */
async function exhausted(queue: string, store = bench.store) {
  await setLimit(store, queue, 0.001);
  const limiter = createLimiter(store, queue);
  await limiter.take(10, quietly);
  return limiter;
}

it('holds two workers together to the limit, and lets them reach it', async () => {
  const queue = newQueue();
  const seconds = await secondsOf(async () => {
    await setLimit(bench.store, queue, 200);
    await Promise.all(
      [1, 2].map(async () => {
        const limiter = createLimiter(bench.store, queue);
        await Promise.all(Array.from({ length: 20 }, () => limiter.take(10, quietly)));
      }),
    );
  });
  // 400 images; the first batch goes at once.
  expect(seconds).toBeGreaterThan(390 / 200 - 0.05);
  // A busy machine may wake up too late to catch up.
  expect(seconds).toBeLessThan(5 * (390 / 200));
});

it('ends a wait at once when it is told to, and lets the next in line go on', async () => {
  const queue = newQueue();
  const answered = Promise.withResolvers<void>();
  let answers = true;
  const limiter = await exhausted(
    queue,
    watchedStore(() => (answers ? undefined : answered.promise)),
  );
  const stop = new AbortController();
  const reason = new Error('canceled');
  const first = limiter.take(10, { ...quietly, signal: stop.signal });
  const second = limiter.take(10, quietly);
  // A canceled call ends without waiting for the next look at the limit.
  answers = false;
  stop.abort(reason);
  await expect(first).rejects.toBe(reason);
  await setLimit(bench.store, queue, null);
  answered.resolve();
  await second;
});

it.each([
  ['raised', 1_000_000],
  ['lifted', null],
])('lets what waits go when the limit is %s', async (_, rate) => {
  const queue = newQueue();
  const limiter = await exhausted(queue);
  const waiting = limiter.take(10, quietly);
  await setLimit(bench.store, queue, rate);
  // At the old limit the call would wait for hours, longer than a test may take.
  await waiting;
});

it('gives signs of life while it waits, also to those that stand in line', async () => {
  const queue = newQueue();
  const limiter = await exhausted(queue);
  const heard = [1, 2].map(() => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = new AbortController();
    limiter.take(10, { signal: stop.signal, onWait: resolve }).catch(() => undefined);
    return promise.finally(() => stop.abort());
  });
  await Promise.all(heard);
});

it('asks the store about once a second where there is no limit', async () => {
  let asked = 0;
  const limiter = createLimiter(
    watchedStore(() => asked++),
    newQueue(),
  );
  const seconds = await secondsOf(async () => {
    for (let n = 0; n < 10_000; n++) await limiter.take(32, quietly);
  });
  expect(asked).toBeLessThanOrEqual(1 + Math.ceil(seconds));
});

describe('a clock that is put back by an hour', () => {
  const putBack = (queue: string) =>
    collectionsOf(bench.store).limits.updateOne({ _id: queue }, { $inc: { next_ms: 3_600_000 } });

  it('holds up no batch for longer than the one before it takes, and those behind keep to the limit', async () => {
    const queue = newQueue();
    await setLimit(bench.store, queue, 100);
    const limiter = createLimiter(bench.store, queue);
    await limiter.take(10, quietly);
    await putBack(queue);
    expect(await secondsOf(() => limiter.take(50, quietly))).toBeLessThan(1);
    expect(await secondsOf(() => limiter.take(10, quietly))).toBeGreaterThan(0.4);
  });

  it('is not carried over to another limit', async () => {
    const queue = newQueue();
    await setLimit(bench.store, queue, 200);
    const limiter = createLimiter(bench.store, queue);
    await limiter.take(10, quietly);
    await putBack(queue);
    await setLimit(bench.store, queue, 100);
    expect(await secondsOf(() => limiter.take(10, quietly))).toBeLessThan(1);
  });
});

it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses a limit of %d', async (rate) => {
  await expect(bench.limits.set(rate, newQueue())).rejects.toMatchObject({ code: 'InvalidInput' });
});

it('is shown as it was set, and as none once it is lifted', async () => {
  const queue = newQueue();
  await bench.limits.set(2.5, queue);
  expect(await bench.limits.get(queue)).toMatchObject({ task_queue: queue, samples_per_second: 2.5 });
  expect((await bench.limits.list()).map(({ task_queue }) => task_queue)).toContain(queue);
  await bench.limits.set(null, queue);
  expect(await bench.limits.get(queue)).toEqual({ task_queue: queue, samples_per_second: null, set_at: null });
});
