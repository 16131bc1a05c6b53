/** Work that several may ask for: it is done once, and given up when the last of them has left. */
export interface SharedWork<T> {
  /** `begin` is told when nobody wants it any more. @throws the signal's reason when it is aborted; what `begin` throws */
  join(key: string, signal: AbortSignal, begin: (wanted: AbortSignal) => Promise<T>): Promise<T>;
}

interface Running<T> {
  result: Promise<T>;
  askers: number;
  over: AbortController;
}

/** Nobody waits for `keep`, but until it has ended who asks gets the result at hand. It must not fail. */
export function shareWork<T>(keep: (key: string, result: T) => Promise<void>): SharedWork<T> {
  const running = new Map<string, Running<T>>();

  function start(key: string, begin: (wanted: AbortSignal) => Promise<T>): Running<T> {
    const over = new AbortController();
    const work: Running<T> = { result: begin(over.signal), askers: 0, over };
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
      work.askers += 1;
      const left = Promise.withResolvers<never>();
      const leave = () => {
        work.askers -= 1;
        // Who asks from now on begins anew.
        if (work.askers === 0) {
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
