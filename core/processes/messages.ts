/** All that a killable process sends: once that it accepts orders, then an answer to each. A fault is its own. */
export type Message = 'ready' | Answer;

export type Answer = { result: unknown } | { fault: string };
