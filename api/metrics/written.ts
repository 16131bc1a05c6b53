import { openJobIds, sumWrittenByEnded } from '../../core/store/jobs.ts';
import { sumWritten } from '../../core/store/progress.ts';
import type { Store } from '../../core/store/store.ts';

/** Sums the samples and vectors that jobs have written: from the records of ended jobs and the chunks of open ones. */
export async function countWritten(store: Store, maxTimeMS: number): Promise<{ samples: number; vectors: number }> {
  const ended = await sumWrittenByEnded(store, maxTimeMS);
  const underWay = await sumWritten(store, await openJobIds(store, 0, maxTimeMS), maxTimeMS);
  return { samples: ended.samples + underWay.samples, vectors: ended.vectors + underWay.vectors };
}
