import type { LoadKind } from '../store/documents.ts';

/** Whether jobs of this kind have an indexing phase. */
export const indexes = (kind: LoadKind): boolean => kind === 'load' || kind === 'retry';
