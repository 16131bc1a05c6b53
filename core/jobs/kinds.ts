import type { JobKind } from '../../contract/job.ts';

/** Whether jobs of this kind have an indexing phase. */
export const indexes = (kind: JobKind): boolean => kind === 'load' || kind === 'retry';

/** Whether jobs of this kind have no phases, and say what they have removed. */
export const removes = (kind: JobKind): boolean => kind === 'prune' || kind === 'delete';
