/** Limits work per key: one run at a time, then a pause. Touches during a run or pause cause one more run. */
export interface Coalescer {
  touch(key: string): void;
  stop(): void;
}

const PAUSE_MS = 50;
const RETRY_MS = 1000;

/** Creates a coalescer. If `work` rejects, it runs again after a second, because the touch is not repeated. */
export function createCoalescer(work: (key: string) => Promise<void>): Coalescer {
  // Keys that are running or pausing; true if the key was touched in the meantime.
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
