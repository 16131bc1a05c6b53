import { setTimeout as delay } from 'node:timers/promises';

/** A server, or the way to it, failed in a way that may pass: no answer, an error of the server, too many requests. */
export class DownloadFault extends Error {
  override readonly name = 'DownloadFault';
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs?: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

export interface Retries {
  /** Receives a line for people before each pause. */
  report(line: string): void;
  /** Waits; tests don't. */
  pause?: (ms: number, signal: AbortSignal | undefined) => Promise<unknown>;
  signal: AbortSignal | undefined;
}

const MOST_FAILURES = 4;
const FIRST_PAUSE_MS = 1000;
/** A person would rather know than wait longer. */
const LONGEST_PAUSE_MS = 60_000;

/**
 * Tries `work` again after a DownloadFault: after 1, 2 and 4 seconds, or when the server asks to. `progressed`, called by
 * `work`, starts the count of failures anew.
 *
 * @throws DownloadFault the last one
 */
export async function retrying<T>(
  work: (progressed: () => void) => Promise<T>,
  { report, pause = waitFor, signal }: Retries,
): Promise<T> {
  let failures = 0;
  for (;;) {
    try {
      return await work(() => {
        failures = 0;
      });
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof DownloadFault)) throw error;
      failures++;
      const pauseMs = error.retryAfterMs ?? FIRST_PAUSE_MS * 2 ** (failures - 1);
      if (failures === MOST_FAILURES || pauseMs > LONGEST_PAUSE_MS) throw error;
      report(`${error.message}; trying again in ${Math.ceil(pauseMs / 1000)} s`);
      await pause(pauseMs, signal);
    }
  }
}

const waitFor = (ms: number, signal: AbortSignal | undefined) => delay(ms, undefined, { signal });
