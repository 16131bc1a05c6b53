/** The fewest chunks in a queue: while a device ends one, the next is there. */
const LEAST = 2;
/** Chunks per worker at the start: it works on two at a time, and one waits. */
const FIRST_PER_WORKER = 3;
/** Far below Temporal's limit of 2,000 pending activities in a workflow. */
const MOST = 256;
/** A wait that is as short as this is the way through Temporal, and no queue. */
const SHORT_MS = 1000;

/** How many chunks to begin with, for so many workers as were seen. Waits correct it soon. */
export const firstAtOnce = (workers: number): number => Math.min(Math.max(FIRST_PER_WORKER * workers, LEAST), MOST);

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
 * Follows the workers of a queue by how long chunks wait for one, as TCP follows a line by its losses. It judges round
 * by round; in a round as many chunks end as are kept in the queue. If none waited long, it keeps twice as many. If one
 * waited longer than it was worked on, chunks stand before others, such as those of other jobs, and it keeps two thirds.
 * In between, up to one chunk waits for each that is worked on. An autoscaler sees these, and a worker that joins, or
 * that outlives another, finds them. The list of pollers would not do alone: it omits busy workers and those of other
 * partitions, and lists dead ones.
 */
export function createPace(from: number): Pace {
  let atOnce = from;
  let leftInRound = from;
  /** The longest wait of the round, as a multiple of the work. */
  let longest = 0;
  return {
    atOnce: () => atOnce,
    note(tookMs, workedMs) {
      if (workedMs !== null && tookMs - workedMs > SHORT_MS) longest = Math.max(longest, tookMs / workedMs - 1);
      leftInRound -= 1;
      if (leftInRound > 0) return;
      if (longest > 1) atOnce = Math.max(Math.ceil((atOnce * 2) / 3), LEAST);
      else if (longest <= 1 / 4) atOnce = Math.min(atOnce * 2, MOST);
      leftInRound = atOnce;
      longest = 0;
    },
  };
}
