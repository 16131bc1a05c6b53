/** The task of a search process: to hold vectors, to hold words, or to build one index. */
export type Role = 'machine' | 'words' | 'builder';

/** A call of a method. Messages are structured clones. */
export interface Call {
  id: number;
  method: string;
  arguments: readonly unknown[];
}

/** The result of a call, or why it failed. */
export type Answer = { id: number } & ({ result: unknown } | { error: string });
