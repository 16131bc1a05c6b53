/** Lets a few through at a time; the others wait in order. */
export interface Turns {
  /** Resolves with what ends the turn; undefined when too many wait already. */
  take(): Promise<(() => void) | undefined>;
}

export function createTurns({ atOnce, mostWaiting }: { atOnce: number; mostWaiting: number }): Turns {
  const waiting: (() => void)[] = [];
  let free = atOnce;
  const end = () => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return {
    async take() {
      if (free > 0) {
        free -= 1;
        return end;
      }
      if (waiting.length >= mostWaiting) return undefined;
      await new Promise<void>((resolve) => waiting.push(resolve));
      return end;
    },
  };
}
