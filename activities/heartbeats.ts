import { Context } from '@temporalio/activity';

/** Each heartbeat is an action in Temporal Cloud. `heartbeatTimeout` in workflows/activity-options.ts is twice this. */
const BEAT_MS = 5000;

/** Longer than any step takes, however slow its disk or device: an encoder process is replaced sooner. */
const LONGEST_STEP_MS = 15 * 60_000;

/** The means of work with steps. */
export interface Steps {
  /** Says that a step has ended. The next heartbeat carries the details, for the next attempt to go on from. */
  onStep(details?: unknown): void;
  /** Aborted when the activity is canceled, and when a step has taken too long. */
  signal: AbortSignal;
}

/**
 * Heartbeats from a timer during work that has no steps. The heartbeats show that the worker's event loop lives, so a
 * dead worker is noticed within seconds; the start-to-close timeout bounds work that hangs.
 */
export async function withHeartbeats<T>(work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  return beating(() => context.heartbeat(), work);
}

/**
 * Heartbeats from a timer during work that has steps, with the details of the last one. An attempt of which no step
 * ends in a quarter of an hour fails, and another attempt takes its place and its slot.
 */
export async function withSteps<T>(work: (steps: Steps) => Promise<T>): Promise<T> {
  const context = Context.current();
  // A heartbeat replaces the details of the attempt before.
  let details: unknown = context.info.heartbeatDetails;
  let beats = 0;
  const stalled = new AbortController();
  const beat = () => {
    beats += 1;
    // Beats are counted, because the clock jumps and a frozen machine must not fail what it holds.
    if (beats * BEAT_MS > LONGEST_STEP_MS) stalled.abort(new Error('No step of this activity ended in 15 minutes.'));
    else context.heartbeat(details);
  };
  const steps: Steps = {
    onStep(reached) {
      beats = 0;
      if (reached !== undefined) details = reached;
    },
    signal: AbortSignal.any([context.cancellationSignal, stalled.signal]),
  };
  return beating(beat, () => Promise.race([work(steps), aborted(stalled.signal)]));
}

async function beating<T>(beat: () => void, work: () => Promise<T>): Promise<T> {
  const timer = setInterval(beat, BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** Rejects when the signal is aborted. */
const aborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
