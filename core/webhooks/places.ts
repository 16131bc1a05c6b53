/** Concurrent deliveries in one worker. Each holds one of the worker's activity slots. */
export const WEBHOOK_PLACES = 16;
/** How many deliveries may wait for a receiver, and for how long. A healthy receiver has answered by then. */
const MAX_WAITING = 3;
const MAX_WAIT_MS = 1000;

/**
 * Slots for webhook deliveries. Each receiver, identified by its URL, has one delivery in progress at a time. A
 * receiver that never answers holds one slot for the whole timeout, and the others stay free.
 */
export interface Places {
  /** Takes a slot. Returns the function that releases it; undefined if no slot becomes free within a moment. */
  take(url: string): Promise<(() => void) | undefined>;
}

/** Creates the WEBHOOK_PLACES slots of a worker. */
export function createPlaces(): Places {
  let taken = 0;
  /** The deliveries that wait for each busy receiver. */
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
      if (taken >= WEBHOOK_PLACES || (line !== undefined && line.length >= MAX_WAITING)) return undefined;
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
      }, MAX_WAIT_MS);
      const isMine = await turn.promise;
      clearTimeout(patience);
      if (isMine) return () => leave(url);
      taken -= 1;
      return undefined;
    },
  };
}
