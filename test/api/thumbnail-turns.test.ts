import { expect, test } from 'vitest';
import { shareWork } from '../../api/thumbnails/shared-work.ts';
import { createTurns } from '../../api/thumbnails/turns.ts';

const wanted = () => new AbortController().signal;

test('the newest that waits is next', async () => {
  const turns = createTurns({ atOnce: 1, mostWaiting: 10 });
  const end = await turns.take(wanted());
  const order: string[] = [];
  const waiting = ['first', 'second', 'third'].map(async (name) => {
    const done = await turns.take(wanted());
    order.push(name);
    done?.();
  });
  end?.();
  await Promise.all(waiting);
  expect(order).toEqual(['third', 'second', 'first']);
});

test('who leaves waits no longer, and takes no turn', async () => {
  const turns = createTurns({ atOnce: 1, mostWaiting: 10 });
  const end = await turns.take(wanted());
  const leaver = new AbortController();
  const left = turns.take(leaver.signal);
  const stays = turns.take(wanted());
  expect(turns.waiting).toBe(2);
  leaver.abort();
  expect(await left).toBeUndefined();
  expect(turns.waiting).toBe(1);
  end?.();
  expect(await stays).toBeTypeOf('function');
});

test('when too many wait, the one that waits longest is given up', async () => {
  const turns = createTurns({ atOnce: 1, mostWaiting: 1 });
  const end = await turns.take(wanted());
  const oldest = turns.take(wanted());
  const newest = turns.take(wanted());
  expect(await oldest).toBeUndefined();
  end?.();
  expect(await newest).toBeTypeOf('function');
});

test('a turn that is ended twice is one turn', async () => {
  const turns = createTurns({ atOnce: 1, mostWaiting: 10 });
  const end = await turns.take(wanted());
  end?.();
  end?.();
  await turns.take(wanted());
  void turns.take(wanted());
  expect(turns.waiting).toBe(1);
});

test('work is given up when the last who wants it has left, not before', async () => {
  const shared = shareWork<string>(async () => {});
  const [one, two] = [new AbortController(), new AbortController()];
  const result = Promise.withResolvers<string>();
  const signals: AbortSignal[] = [];
  const begin = (signal: AbortSignal) => {
    signals.push(signal);
    return result.promise;
  };
  const first = shared.join('a', one.signal, begin);
  const second = shared.join('a', two.signal, begin);
  one.abort(new Error('left'));
  await expect(first).rejects.toThrow('left');
  expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  two.abort(new Error('left too'));
  await expect(second).rejects.toThrow('left too');
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  const third = shared.join('a', wanted(), begin);
  expect(signals).toHaveLength(2);
  result.resolve('drawn');
  expect(await third).toBe('drawn');
});

test('who asks while the result is being kept gets it without the work done again', async () => {
  const kept = Promise.withResolvers<void>();
  const shared = shareWork<string>(() => kept.promise);
  let begun = 0;
  const begin = async () => `drawn ${++begun}`;
  expect(await shared.join('a', wanted(), begin)).toBe('drawn 1');
  expect(await shared.join('a', wanted(), begin)).toBe('drawn 1');
  kept.resolve();
  await expect.poll(() => shared.join('a', wanted(), begin)).toBe('drawn 2');
});
