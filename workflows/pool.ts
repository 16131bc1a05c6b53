import { CancellationScope } from '@temporalio/workflow';
import { isInterruption } from './failures.ts';

/**
 * Works on at most `limit` items at a time until `take` returns undefined. The first failure cancels the others and is
 * thrown once all have ended, so that nothing is left running.
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
 * Runs tasks concurrently. The first failure cancels the others and is thrown when they have ended. Permanent failures
 * outrank interruptions, whichever came first.
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
