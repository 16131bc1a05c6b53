import { setTimeout as delay } from 'node:timers/promises';

/** How long a machine with other work to do may take to come to what a test waits for. */
export const PATIENCE_MS = 300_000;

/** Resolves when the condition holds: for hooks, in which there is no `expect.poll`. */
export async function until(condition: () => unknown): Promise<void> {
  const late = AbortSignal.timeout(PATIENCE_MS);
  while (!(await condition())) {
    late.throwIfAborted();
    await delay(20);
  }
}
