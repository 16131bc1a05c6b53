import type { LoadKind } from '../store/documents.ts';

/** Whether jobs of this kind have an indexing phase. */
export const indexes = (kind: LoadKind): boolean => kind === 'load' || kind === 'retry';

/** Whether jobs of this kind have no phases, and say what they have removed. */
export const removes = (kind: LoadKind): boolean => kind === 'prune' || kind === 'delete';
