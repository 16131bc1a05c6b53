import { Context } from '@temporalio/activity';

const HEARTBEAT_MS = 2000;

/**
 * Heartbeats from a timer while work goes on that has no steps to heartbeat after: it shows that the worker lives, and the
 * start-to-close timeout bounds what hangs. Work that has steps heartbeats after each of them instead.
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
