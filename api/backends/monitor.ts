import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../../core/errors.ts';

/** Tells whether a server answers. */
export interface Monitor {
  readonly ready: boolean;
  /** The reason for which the last probe failed, if a person has to do something about it. */
  readonly reason: string | undefined;
  /** Resolves once the server is ready. @throws the signal's reason when it is aborted */
  untilReady(signal?: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

/** Pauses between two probes, after one that was answered and after one that was not, in milliseconds. */
export interface ProbePauses {
  answered: number;
  missed: number;
}

const PAUSES: ProbePauses = { answered: 2000, missed: 500 };
/** A busy machine may miss a probe or two, while the server answers requests. */
const MISSED_PROBES = 3;

/**
 * Probes a server repeatedly. A probe misses if it rejects or takes longer than `withinMs`. A server is ready after one
 * probe that it answered. It is not ready after three misses in a row, or after a UserError, which waiting can't mend.
 */
export function createMonitor(ask: () => Promise<void>, withinMs: number, pauses = PAUSES): Monitor {
  const over = new AbortController();
  let ready = false;
  let reason: string | undefined;
  let missed = 0;
  let waiting = Promise.withResolvers<void>();
  const loop = (async () => {
    while (!over.signal.aborted) {
      const answered = await Promise.race([
        ask().then(
          () => {
            reason = undefined;
            return true;
          },
          (error: unknown) => {
            reason = error instanceof UserError ? error.message : undefined;
            return false;
          },
        ),
        delay(withinMs, false, { ref: false }),
      ]);
      missed = answered ? 0 : missed + 1;
      const isReady: boolean = answered || (ready && missed < MISSED_PROBES && reason === undefined);
      if (isReady && !ready) waiting.resolve();
      if (!isReady && ready) waiting = Promise.withResolvers<void>();
      ready = isReady;
      await delay(answered ? pauses.answered : pauses.missed, undefined, { signal: over.signal, ref: false }).catch(
        () => undefined,
      );
    }
  })();
  return {
    get ready() {
      return ready;
    },
    get reason() {
      return reason;
    },
    async untilReady(signal) {
      if (signal === undefined) return waiting.promise;
      signal.throwIfAborted();
      const aborted = Promise.withResolvers<never>();
      const abort = () => aborted.reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      // Remove the listener each time: a signal may live as long as the server and be used many times.
      await Promise.race([waiting.promise, aborted.promise]).finally(() => signal.removeEventListener('abort', abort));
    },
    async stop() {
      over.abort();
      await loop;
    },
  };
}
