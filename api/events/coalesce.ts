/** Work on one key at a time, at most once in a while: what is asked for meanwhile is done once, afterwards. */
export interface Coalescer {
  touch(key: string): void;
  stop(): void;
}

const PAUSE_MS = 50;
const RETRY_MS = 1000;

/** Where `work` rejects it is done again a second later: what touched the key touches it only once. */
export function createCoalescer(work: (key: string) => Promise<void>): Coalescer {
  // A key is here while it is worked on or rests; true when it was touched meanwhile.
  const busy = new Map<string, boolean>();
  const timers = new Set<NodeJS.Timeout>();
  let over = false;

  async function begin(key: string): Promise<void> {
    busy.set(key, false);
    const done = await work(key).then(
      () => true,
      () => false,
    );
    if (over) return;
    if (!done) busy.set(key, true);
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        const again = busy.get(key) === true;
        busy.delete(key);
        if (again) void begin(key);
      },
      done ? PAUSE_MS : RETRY_MS,
    );
    timer.unref();
    timers.add(timer);
  }

  return {
    touch(key) {
      if (over) return;
      if (busy.has(key)) busy.set(key, true);
      else void begin(key);
    },
    stop() {
      over = true;
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
