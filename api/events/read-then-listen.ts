import type { Change, Changes } from './changes.ts';

/** The changes behind a reading. */
export interface Behind {
  /** Begins to tell of them. */
  begin(listener: (change: Change) => void): void;
  stop(): void;
}

/**
 * Reads something and listens from before the reading on, so that nothing falls between, and hands both to `use`. A change
 * that was read before ours was over may be the older of the two, or the newer: it is read once more, and so never told behind
 * a newer state. It stops listening where the reading or `use` fails.
 */
export async function readThenListen<T, R>(
  changes: Changes,
  read: () => Promise<T>,
  use: (first: T, behind: Behind) => R,
): Promise<R> {
  const early: Change[] = [];
  let hear = (change: Change, _turn: number): void => void early.push(change);
  const stop = changes.listen((change, turn) => hear(change, turn));
  try {
    const first = await read();
    const readAt = changes.nextTurn();
    const begin = (listener: (change: Change) => void) => {
      hear = (change, turn) => (turn > readAt ? listener(change) : changes.readAgain(change));
      for (const change of early.splice(0)) changes.readAgain(change);
    };
    return use(first, { begin, stop });
  } catch (error) {
    stop();
    throw error;
  }
}
