import { CancellationScope } from '@temporalio/workflow';
import { isInterruption } from './failures.ts';

/**
 * Works on items with at most `limit` at a time until `take` has no more. The first failure cancels the rest and is thrown
 * once all have come to an end, so that nothing is left running behind it.
 */
export async function runPool<T>(
  limit: number,
  take: () => Promise<T | undefined> | T | undefined,
  work: (item: T) => Promise<void>,
): Promise<void> {
  await all([
    ...Array.from({ length: limit }, () => async () => {
      for (let item = await take(); item !== undefined; item = await take()) await work(item);
    }),
  ]);
}

/**
 * Runs tasks side by side; the first failure cancels the others and is thrown when they have ended. One that can't be mended
 * goes before those that a stop explains, whichever came first.
 */
export async function all(tasks: (() => Promise<void>)[]): Promise<void> {
  let failure: { error: unknown } | undefined;
  const scope = new CancellationScope();
  await scope.run(() =>
    Promise.all(
      tasks.map(async (task) => {
        try {
          await task();
        } catch (error) {
          if (failure === undefined || (isInterruption(failure.error) && !isInterruption(error))) failure = { error };
          scope.cancel();
        }
      }),
    ),
  );
  if (failure !== undefined) throw failure.error;
}
