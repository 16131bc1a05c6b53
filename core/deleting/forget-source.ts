import type { RemovedCounts } from '../../contract/job.ts';
import { isInOrBelow } from '../folders.ts';
import { setSources, sourcesOf } from '../store/datasets.ts';
import { countSampleVectors, vectorModels } from '../store/embeddings.ts';
import { removedBy } from '../store/job-effects.ts';
import { type DatasetFolder, firstSamplesBelow, seqsBelow } from '../store/samples-below.ts';
import type { Store } from '../store/store.ts';
import { BATCH, removeBatch } from './remove-batch.ts';
import { openRemoval, type RemovalRequest } from './remove-samples.ts';

/** A request to forget a folder. */
export interface ForgetRequest extends RemovalRequest {
  /** The folder's name, without a slash at its end. */
  folder: string;
}

/**
 * Removes the samples below a folder with their vectors of all models, then the sources that are the folder or lie
 * below it. The files are not looked at. An interrupted forget can restart. Returns what all attempts of the job have
 * removed.
 *
 * @throws UserError Superseded
 */
export async function forgetSource(store: Store, request: ForgetRequest): Promise<RemovedCounts> {
  const { jobId, datasetId, folder, onStep, signal } = request;
  const removal = await openRemoval(store, request);
  for (;;) {
    const samples = await firstSamplesBelow(store, { datasetId, folder }, BATCH);
    // With nothing left to remove, a cancel comes too late: nothing would tell another forget to finish.
    if (samples.length === 0) break;
    signal.throwIfAborted();
    await removal.remove(samples);
    onStep();
  }
  await removal.finish();
  // The sources go last: while one of them is there, a forget that was broken off can be started again.
  await removeBatch(store, jobId, async (session) => {
    const sources = await sourcesOf(store, datasetId, session);
    await setSources(
      store,
      datasetId,
      sources.filter((source) => !isInOrBelow(source, folder)),
      session,
    );
    return { samples: 0, vectors: 0 };
  });
  return removedBy(store, jobId);
}

/** Counts what a forget would remove now. */
export async function countBelow(store: Store, folder: DatasetFolder): Promise<RemovedCounts> {
  const { datasetId } = folder;
  const models = await vectorModels(store, datasetId);
  const counts: RemovedCounts = { samples: 0, vectors: 0 };
  for await (const seqs of seqsBelow(store, folder, BATCH)) {
    counts.samples += seqs.length;
    counts.vectors += await countSampleVectors(store, { datasetId, models, seqs });
  }
  return counts;
}
