import { setTimeout as delay } from 'node:timers/promises';

/** Whether a server answers, as last seen. */
export interface Monitor {
  readonly ready: boolean;
  /** Resolves once it is ready. */
  untilReady(signal?: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

const WHILE_READY_MS = 2000;
const WHILE_NOT_MS = 500;

/** Asks a server again and again. `ask` rejects when it is told that there is no answer; one that hangs tells nothing. */
export function createMonitor(ask: () => Promise<void>, withinMs: number): Monitor {
  const over = new AbortController();
  let ready = false;
  let waiting = Promise.withResolvers<void>();
  const loop = (async () => {
    while (!over.signal.aborted) {
      const answered = await Promise.race([
        ask().then(
          () => true,
          () => false,
        ),
        delay(withinMs, false, { ref: false }),
      ]);
      if (answered && !ready) waiting.resolve();
      if (!answered && ready) waiting = Promise.withResolvers<void>();
      ready = answered;
      await delay(ready ? WHILE_READY_MS : WHILE_NOT_MS, undefined, { signal: over.signal, ref: false }).catch(
        () => undefined,
      );
    }
  })();
  return {
    get ready() {
      return ready;
    },
    async untilReady(signal) {
      if (signal === undefined) return waiting.promise;
      signal.throwIfAborted();
      const aborted = Promise.withResolvers<never>();
      const abort = () => aborted.reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      // A signal may live as long as the server, and be waited with again and again.
      await Promise.race([waiting.promise, aborted.promise]).finally(() => signal.removeEventListener('abort', abort));
    },
    async stop() {
      over.abort();
      await loop;
    },
  };
}
