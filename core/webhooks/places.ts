/** Tries that may be under way or about to be at a time, in one worker: each holds one of its slots for activities. */
export const WEBHOOK_PLACES = 16;
/** How many may stand behind the try of a receiver, and for how long: one that is well has answered by then. */
const LONGEST_LINE = 3;
const LONGEST_WAIT_MS = 1000;

/**
 * Places for tries of webhooks. Each receiver, by its URL, has one try under way at a time: one that never answers holds a single
 * place for the whole timeout, and the others find theirs free.
 */
export interface Places {
  /** Returns what gives the place back; undefined where none is free within a moment. */
  take(url: string): Promise<(() => void) | undefined>;
}

export function createPlaces(): Places {
  let taken = 0;
  /** Who waits behind the try of a receiver, for each that has one under way. */
  const lines = new Map<string, ((isTheirs: boolean) => void)[]>();

  function leave(url: string): void {
    taken -= 1;
    const next = lines.get(url)?.shift();
    if (next === undefined) lines.delete(url);
    else next(true);
  }

  return {
    async take(url) {
      const line = lines.get(url);
      if (taken >= WEBHOOK_PLACES || (line !== undefined && line.length >= LONGEST_LINE)) return undefined;
      taken += 1;
      if (line === undefined) {
        lines.set(url, []);
        return () => leave(url);
      }
      const turn = Promise.withResolvers<boolean>();
      line.push(turn.resolve);
      const patience = setTimeout(() => {
        line.splice(line.indexOf(turn.resolve), 1);
        turn.resolve(false);
      }, LONGEST_WAIT_MS);
      const isMine = await turn.promise;
      clearTimeout(patience);
      if (isMine) return () => leave(url);
      taken -= 1;
      return undefined;
    },
  };
}
