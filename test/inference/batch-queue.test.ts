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
    onUnusable: async () => undefined,
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

/** A queue whose device has memory for `room` items, given batches of these numbers of items. */
async function runsOf(room: number, batches: number[], error = 'Failed to allocate memory for requested buffer') {
  const runs: string[] = [];
  const vectors: number[][] = [];
  const over = Promise.withResolvers<void>();
  const model = {
    dim: 1,
    preparation: { prepare: async (value: number) => value },
    run: async (prepared: number[]) => {
      runs.push(`${prepared.length}${prepared.length > room ? ' fails' : ''}`);
      if (prepared.length > room) throw new Error(error);
      return Float32Array.from(prepared);
    },
  } as unknown as Model;
  const queue = createBatchQueue(model, {
    onRun: async () => undefined,
    onUnusable: async (message) => {
      runs.push(message);
      over.resolve();
    },
    onEncoded: async (id, batch) => {
      vectors.push([...batch.vectors]);
      if (id === batches.length - 1) over.resolve();
    },
  });
  for (const [id, items] of batches.entries())
    queue.add(
      id,
      Array.from({ length: items }, () => ({ value: 1 })),
    );
  await over.promise;
  return { runs, vectors };
}

test('a device without memory for a batch gets half of it, also later', async () => {
  const { runs, vectors } = await runsOf(3, [8, 5]);
  expect(runs).toEqual(['8 fails', '4 fails', '2', '2', '2', '2', '2', '2', '1']);
  expect(vectors).toEqual([new Array(8).fill(1), new Array(5).fill(1)]);
});

test('a device without memory for one item is given up', async () => {
  const { runs, vectors } = await runsOf(0, [2, 2], 'CUDA error 2: out of memory\nat a place');
  expect(runs).toEqual([
    '2 fails',
    '1 fails',
    'the device has no memory for a single item: CUDA error 2: out of memory',
  ]);
  expect(vectors).toEqual([]);
});
