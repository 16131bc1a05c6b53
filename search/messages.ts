import type { VectorMachine } from '../core/search/vector-machine.ts';

/** The task of a search process: to hold vectors, or to build one index. */
export type Role = 'machine' | 'builder';

/** The methods of a machine that a process answers. */
export type Method = Exclude<keyof VectorMachine, 'close'>;

/** A call of a method. Messages are structured clones. */
export interface Call {
  id: number;
  method: string;
  arguments: readonly unknown[];
}

/** The result of a call, or why it failed. */
export type Answer = { id: number } & ({ result: unknown } | { error: string });
