import { expect, test } from 'vitest';
import { createBatchQueue } from '../../inference/batch-queue.ts';
import type { Model } from '../../inference/session.ts';

/** Gives a queue two batches of two items each. Returns its steps in order. */
async function eventsOf(blocks: boolean): Promise<string[]> {
  const events: string[] = [];
  const answered = Promise.withResolvers<void>();
  const model = {
    dim: 1,
    preparation: {
      ...(blocks ? { blocks: true } : {}),
      async prepare(value: string) {
        events.push(`prepare ${value}`);
        return value;
      },
    },
    run: async (prepared: string[]) => {
      events.push(`run ${prepared.join(' ')}`);
      return new Float32Array(prepared.length).fill(1);
    },
  } as unknown as Model;
  const queue = createBatchQueue(model, {
    onRun: async () => undefined,
    onEncoded: async (id) => {
      events.push(`answer ${id}`);
      if (id === 2) answered.resolve();
    },
  });
  queue.add(1, [{ value: 'a' }, { value: 'b' }]);
  queue.add(2, [{ value: 'c' }, { value: 'd' }]);
  await answered.promise;
  return events;
}

test('batches are prepared from the start, and computed and answered in order', async () => {
  expect(await eventsOf(false)).toEqual([
    ...['prepare a', 'prepare b', 'prepare c', 'prepare d'],
    ...['run a b', 'answer 1', 'run c d', 'answer 2'],
  ]);
});

test('where preparing blocks the thread, a batch is answered before the next one is prepared', async () => {
  expect(await eventsOf(true)).toEqual([
    ...['prepare a', 'prepare b', 'run a b', 'answer 1'],
    ...['prepare c', 'prepare d', 'run c d', 'answer 2'],
  ]);
});
