/** Lets a few through at a time. Of the others the newest is next: what was asked for last is on the screen. */
export interface Turns {
  /**
   * Resolves with what ends the turn; undefined when the signal says that it is not wanted any more, or when so many wait that the
   * one that waits longest is given up.
   */
  take(signal: AbortSignal): Promise<(() => void) | undefined>;
  /** How many wait. */
  readonly waiting: number;
}

export function createTurns({ atOnce, mostWaiting }: { atOnce: number; mostWaiting: number }): Turns {
  // In the order in which they came.
  const waiting = new Set<(turn: (() => void) | undefined) => void>();
  let free = atOnce;

  function next(): void {
    const newest = [...waiting].at(-1);
    if (newest === undefined) free += 1;
    else newest(turn());
  }

  /** Ended once, however often it is called. */
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
