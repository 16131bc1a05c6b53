import type { EmbedItem, EmbedOutcome } from '../core/embedding/embedder.ts';

/** An item of the side that a runner runs. Words come to it as values. */
export type SideItem = Exclude<EmbedItem, { text: string }>;

/** One item of a call, until it settles. */
export interface Task {
  /** Identifies the item's content in the processes. */
  readonly key: number;
  readonly item: SideItem;
  /** The item's hash, once it is known. */
  content?: string;
  /** The frame that holds the decoded item. */
  frame?: number | undefined;
  /** What its decoders know of it. */
  readonly decoding: Suspicion;
  /** What its encoders know of it. */
  readonly encoding: Suspicion;
  /** Whether it was not decoded in time. The second time counts: the first may be due to a frozen machine or disk. */
  wasLate: boolean;
  /** Settled or abandoned: later results are ignored. */
  over: boolean;
  settle(outcome: EmbedOutcome): void;
  fail(error: unknown): void;
}

/** How far an item is suspected to end its process. */
export interface Suspicion {
  /** Whether it may have ended a process. It is then retried with no other item in the process. */
  isSuspect: boolean;
  /** Whether it was in a process that hung. A process may hang for reasons outside of it, so the first time is nothing. */
  wasHung: boolean;
  /** Process deaths with only this item inside. */
  crashesAlone: number;
}

export const noSuspicion = (): Suspicion => ({ isSuspect: false, wasHung: false, crashesAlone: 0 });
