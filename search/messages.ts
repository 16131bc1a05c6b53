import type { Candidates, Pairs, VectorMachine } from '../core/search/vector-machine.ts';

/** The methods of the machine that runs in the process. */
export type Method = Exclude<keyof VectorMachine, 'close'>;

/** A call of a method. Messages are structured clones. */
export interface Call {
  id: number;
  method: Method;
  arguments: unknown[];
}

/** The result of any method. */
export type Result = Candidates | Pairs | number | undefined;

/** The result of a call, or why it failed. */
export type Answer = { id: number } & ({ result: Result } | { error: string });
