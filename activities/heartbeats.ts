import { Context } from '@temporalio/activity';

const HEARTBEAT_MS = 2000;

/**
 * Heartbeats from a timer during work that has no steps to heartbeat after. The heartbeats only show that the worker is
 * alive; the start-to-close timeout bounds work that hangs. Work with steps heartbeats after each step instead.
 */
export async function withHeartbeats<T>(work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
  }
}
