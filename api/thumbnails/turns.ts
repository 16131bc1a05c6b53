/** Lets a few requests through at a time. The newest waiting request is next: it is the one on the screen. */
export interface Turns {
  /**
   * Resolves with a function that ends the turn. Resolves with undefined if the signal aborts, or if too many requests
   * wait and this one has waited longest.
   */
  take(signal: AbortSignal): Promise<(() => void) | undefined>;
  /** How many requests wait. */
  readonly waiting: number;
}

/** Creates turns for `atOnce` requests at a time; at most `mostWaiting` others wait. */
export function createTurns({ atOnce, mostWaiting }: { atOnce: number; mostWaiting: number }): Turns {
  // In the order of arrival.
  const waiting = new Set<(turn: (() => void) | undefined) => void>();
  let free = atOnce;

  function next(): void {
    const newest = [...waiting].at(-1);
    if (newest === undefined) free += 1;
    else newest(turn());
  }

  /** Returns a function that ends a turn; further calls do nothing. */
  function turn(): () => void {
    let over = false;
    return () => {
      if (!over) next();
      over = true;
    };
  }

  return {
    get waiting() {
      return waiting.size;
    },
    async take(signal) {
      if (signal.aborted) return undefined;
      if (free > 0) {
        free -= 1;
        return turn();
      }
      const mine = Promise.withResolvers<(() => void) | undefined>();
      const settle = (given: (() => void) | undefined) => {
        waiting.delete(settle);
        signal.removeEventListener('abort', leave);
        mine.resolve(given);
      };
      const leave = () => settle(undefined);
      signal.addEventListener('abort', leave);
      waiting.add(settle);
      const [oldest] = waiting;
      if (waiting.size > mostWaiting) oldest?.(undefined);
      return await mine.promise;
    },
  };
}
