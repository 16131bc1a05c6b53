/** Shares the work of concurrent requests for a key, and aborts it when the last caller has left. */
export interface SharedWork<T> {
  /**
   * Joins the work of a key, or starts it with `begin`, whose signal aborts when no caller is left.
   *
   * @throws the signal's reason when it is aborted; the error that `begin` throws
   */
  join(key: string, signal: AbortSignal, begin: (wanted: AbortSignal) => Promise<T>): Promise<T>;
}

interface Running<T> {
  result: Promise<T>;
  callers: number;
  over: AbortController;
}

/** Creates shared work. Callers do not wait for `keep`; until it ends, new callers get its result. It must not fail. */
export function shareWork<T>(keep: (key: string, result: T) => Promise<void>): SharedWork<T> {
  const running = new Map<string, Running<T>>();

  function start(key: string, begin: (wanted: AbortSignal) => Promise<T>): Running<T> {
    const over = new AbortController();
    const work: Running<T> = { result: begin(over.signal), callers: 0, over };
    running.set(key, work);
    const forget = () => {
      if (running.get(key) === work) running.delete(key);
    };
    work.result.then((result) => keep(key, result).finally(forget), forget);
    return work;
  }

  return {
    async join(key, signal, begin) {
      signal.throwIfAborted();
      const work = running.get(key) ?? start(key, begin);
      work.callers += 1;
      const left = Promise.withResolvers<never>();
      const leave = () => {
        work.callers -= 1;
        // Later callers start new work.
        if (work.callers === 0) {
          running.delete(key);
          work.over.abort();
        }
        left.reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      try {
        return await Promise.race([work.result, left.promise]);
      } finally {
        signal.removeEventListener('abort', leave);
      }
    },
  };
}
