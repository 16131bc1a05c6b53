import type { ProcessEnd } from './pulsing-process.ts';
import type { Suspicion } from './task.ts';

/** Process deaths with only this item inside before the item is considered the cause. */
const MAX_CRASHES_ALONE = 2;
/** Consecutive items that killed their process without any success. Beyond this, the process is at fault. */
const MAX_BLAMED_IN_A_ROW = 5;
/** Consecutive process deaths without any success, for each process that there may be: an outage ends all of them at once. */
const MAX_DEATHS_IN_A_ROW = 20;

/** The consequences of a process's end. */
export interface Verdict {
  /** Whether its only item has ended it often enough. */
  isGuilty: boolean;
  /** Why no other process is worth a try: what this kind of process does. Undefined if the next one may do better. */
  hopeless: 'dies at its start' | 'keeps dying' | undefined;
}

/** Finds out which items end their processes, of one kind of process. */
export interface Blame {
  /** Some work was done. */
  succeeded(): void;
  /** A process ended with these items inside. `wasReady` is whether it ever did something. */
  died(victims: readonly Suspicion[], end: Pick<ProcessEnd, 'hung'>, wasReady: boolean): Verdict;
  /** Forgets the deaths. */
  reset(): void;
}

/**
 * @param processes how many there may be at once
 * @param maxDeathsStarting consecutive deaths of processes that were never ready
 */
export function createBlame(processes: number, maxDeathsStarting: number): Blame {
  let deathsStarting = 0;
  let deathsInARow = 0;
  let blamedInARow = 0;

  function reset(): void {
    deathsStarting = 0;
    deathsInARow = 0;
    blamedInARow = 0;
  }

  /** Suspects the items. Returns whether the only one is guilty. */
  function suspect(victims: readonly Suspicion[]): boolean {
    const [alone, another] = victims;
    if (alone !== undefined && another === undefined) {
      alone.crashesAlone += 1;
      if (alone.crashesAlone >= MAX_CRASHES_ALONE) return true;
    }
    for (const victim of victims) victim.isSuspect = true;
    return false;
  }

  return {
    succeeded: reset,
    reset,
    died(victims, { hung }, wasReady) {
      if (!wasReady) deathsStarting += 1;
      deathsInARow += 1;
      // A process that was never ready has not seen its items.
      const isNothing = !wasReady || (hung && !victims.some(({ isSuspect, wasHung }) => isSuspect || wasHung));
      if (hung && wasReady) for (const victim of victims) victim.wasHung = true;
      const isGuilty = !isNothing && suspect(victims);
      if (isGuilty) blamedInARow += 1;
      if (deathsStarting >= maxDeathsStarting) return { isGuilty, hopeless: 'dies at its start' };
      if (blamedInARow >= MAX_BLAMED_IN_A_ROW || deathsInARow >= MAX_DEATHS_IN_A_ROW * processes)
        return { isGuilty, hopeless: 'keeps dying' };
      return { isGuilty, hopeless: undefined };
    },
  };
}
