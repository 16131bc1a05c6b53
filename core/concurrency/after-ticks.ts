const LONGEST_TICK_MS = 1000;
const FEWEST_TICKS = 10;

/**
 * Calls `onLate` after `ms` milliseconds, counted in ticks of this process: a second each, or a tenth of `ms` if that is
 * shorter. A freeze of any length counts as one tick, whereas a timer that came due in a freeze fires before the answers
 * that have arrived meanwhile. A process is frozen while its machine sleeps, while it is stopped (SIGSTOP), and while its
 * event loop is blocked.
 *
 * Returns a function that ends the count and returns the milliseconds counted so far.
 */
export function afterTicks(ms: number, onLate: () => void): () => number {
  const ticks = Math.max(FEWEST_TICKS, Math.ceil(ms / LONGEST_TICK_MS));
  let counted = 0;
  const timer = setInterval(() => {
    counted += 1;
    if (counted < ticks) return;
    clearInterval(timer);
    onLate();
  }, ms / ticks).unref();
  return () => {
    clearInterval(timer);
    return (counted * ms) / ticks;
  };
}
