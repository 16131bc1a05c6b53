import { setTimeout as delay } from 'node:timers/promises';

/** How long a busy machine may take until a condition holds that a test waits for. */
export const PATIENCE_MS = 300_000;

/** How often a test looks whether a condition holds. Each look takes time from what it waits for. */
export const POLL_MS = 100;

/** Resolves when the condition holds. Hooks use it, because they have no `expect.poll`. */
export async function until(condition: () => unknown): Promise<void> {
  const late = AbortSignal.timeout(PATIENCE_MS);
  while (!(await condition())) {
    late.throwIfAborted();
    await delay(POLL_MS);
  }
}
