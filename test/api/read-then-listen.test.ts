import { describe, expect, test } from 'vitest';
import type { Change, Changes } from '../../api/events/changes.ts';
import { createCoalescer } from '../../api/events/coalesce.ts';
import { readThenListen } from '../../api/events/read-then-listen.ts';

/** Changes that are told when a test says so. */
function changesByHand() {
  const listeners = new Set<Parameters<Changes['listen']>[0]>();
  const readAgain: Change[] = [];
  let turns = 0;
  const changes: Changes = {
    ready: true,
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    nextTurn: () => ++turns,
    readAgain: (change) => void readAgain.push(change),
    stop: async () => undefined,
  };
  const tell = (change: Change, turn: number) => {
    for (const listener of listeners) listener(change, turn);
  };
  return { changes, readAgain, tell, listeners };
}

const removed = (dataset: string): Change => ({ kind: 'dataset_removed', dataset });

describe('a reading, and the changes behind it', () => {
  test('a change that was read before the reading was over is read again, whenever it comes', async () => {
    const { changes, readAgain, tell } = changesByHand();
    const told: Change[] = [];
    const late = changes.nextTurn();
    const read = async () => tell(removed('early'), changes.nextTurn());
    await readThenListen(changes, read, (_first, { begin }) => begin((change) => told.push(change)));
    tell(removed('late'), late);
    tell(removed('new'), changes.nextTurn());
    expect(readAgain).toEqual([removed('early'), removed('late')]);
    expect(told).toEqual([removed('new')]);
  });

  test('where the reading fails, or what is made of it, nobody listens any more', async () => {
    const { changes, listeners } = changesByHand();
    const fail = () => {
      throw new Error('Out of order.');
    };
    await expect(
      readThenListen(
        changes,
        async () => fail(),
        () => undefined,
      ),
    ).rejects.toThrow('Out of order.');
    await expect(readThenListen(changes, async () => undefined, fail)).rejects.toThrow('Out of order.');
    expect(listeners.size).toBe(0);
  });
});

test('work that fails is done again, though nothing touches its key any more', async () => {
  const done = Promise.withResolvers<void>();
  let tries = 0;
  const coalescer = createCoalescer(async () => {
    tries += 1;
    if (tries === 1) throw new Error('Away.');
    done.resolve();
  });
  coalescer.touch('job');
  await done.promise;
  coalescer.stop();
  expect(tries).toBe(2);
});
