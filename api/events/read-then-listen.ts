import type { Change, Changes } from './changes.ts';

/** The changes after a reading. */
export interface Behind {
  /** Starts to pass the changes to the listener. */
  begin(listener: (change: Change) => void): void;
  stop(): void;
}

/**
 * Reads a state and passes it with the changes after it to `use`. Listening starts before the reading, so no change is
 * lost. A change that was read during the reading may be older or newer than its result, so it is read again; a
 * listener never sees an older state after a newer one. Listening stops if the reading or `use` fails.
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
