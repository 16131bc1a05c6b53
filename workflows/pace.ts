/** The fewest chunks in a queue: while a device ends one, the next is there. */
const LEAST = 2;
/** Enough for a few workers from the start. The first results then tell how many there are. */
const FIRST = 8;
/** Far below Temporal's limit of 2,000 pending activities in a workflow. */
const MOST = 256;
/** A wait that is as short as this is the way through Temporal, and no queue. */
const SHORT_MS = 1000;

/** How many chunks a workflow keeps in the queue of its workers. */
export interface Pace {
  atOnce(): number;
  /**
   * Notes that a chunk has ended.
   *
   * @param tookMs from its place in the queue to its result
   * @param workedMs how long a worker worked on it; null if it was attempted more than once
   */
  note(tookMs: number, workedMs: number | null): void;
}

/**
 * Follows the workers of a queue by how long chunks wait for one, as TCP follows a line by its losses. Chunks that do
 * not wait ask for more of them. Chunks that wait longer than they work stand before others: before other jobs, which
 * would then wait behind them. In between, about one chunk waits for each that is worked on, which is what an
 * autoscaler sees, and what a worker that joins finds. The list of pollers would not do: it omits busy workers and
 * those of other partitions, and lists dead ones.
 */
export function createPace(from = FIRST): Pace {
  let atOnce = from;
  return {
    atOnce: () => atOnce,
    note(tookMs, workedMs) {
      if (workedMs === null) return;
      const waitedMs = tookMs - workedMs;
      if (waitedMs <= Math.max(SHORT_MS, workedMs / 4)) atOnce = Math.min(atOnce + 1, MOST);
      else if (waitedMs > workedMs) atOnce = Math.max(atOnce - 1, LEAST);
    },
  };
}
