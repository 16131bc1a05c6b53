/** Work on one key at a time, at most once in a while: what is asked for meanwhile is done once, afterwards. */
export interface Coalescer {
  touch(key: string): void;
  stop(): void;
}

const PAUSE_MS = 50;

/** `work` is done again where it rejects only when the key is touched again. */
export function createCoalescer(work: (key: string) => Promise<void>): Coalescer {
  // A key is here while it is worked on or rests; true when it was touched meanwhile.
  const busy = new Map<string, boolean>();
  const timers = new Set<NodeJS.Timeout>();
  let over = false;

  async function begin(key: string): Promise<void> {
    busy.set(key, false);
    await work(key).catch(() => undefined);
    if (over) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      const again = busy.get(key) === true;
      busy.delete(key);
      if (again) void begin(key);
    }, PAUSE_MS);
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
