import { refreshCounts } from '../indexing/counts.ts';
import { modelsOf, setVectorCount } from '../store/datasets.ts';
import { countVectors, removeSampleVectors, vectorModels } from '../store/embeddings.ts';
import { countPages, goneByPage, insertPage, pageId } from '../store/pages.ts';
import { removeSamples } from '../store/samples.ts';
import type { SampleToRemove } from '../store/samples-below.ts';
import type { Store } from '../store/store.ts';
import { removeBatch } from './remove-batch.ts';

/** A request to remove some samples of a dataset with their vectors of all models. */
export interface RemovalRequest {
  jobId: string;
  datasetId: string;
  /** Called after each batch. */
  onStep: () => void;
  signal: AbortSignal;
}

/** Removes batches of samples. Each batch is atomic, so an interrupted removal can restart. */
export interface SampleRemoval {
  /** @throws UserError Superseded */
  remove(samples: readonly SampleToRemove[]): Promise<void>;
  /** Removes vectors that were written late, and refreshes the dataset's counts. Call it after the last batch. */
  finish(): Promise<void>;
}

/** Begins a removal, or continues that of an earlier attempt of the job. */
export async function openRemoval(store: Store, request: RemovalRequest): Promise<SampleRemoval> {
  const { jobId, datasetId, onStep } = request;
  const models = await vectorModels(store, datasetId);
  let n = await countPages(store, jobId);
  return {
    async remove(samples) {
      const seqs = samples.map(({ seq }) => seq);
      const page = { _id: pageId(jobId, n), job_id: jobId, n, upto: '', last: false, files: [], gone: seqs };
      await removeBatch(store, jobId, async (session) => {
        const vectors = await removeSampleVectors(store, { datasetId, models, seqs }, session);
        const ids = samples.map(({ _id }) => _id);
        const removed = await removeSamples(store, ids, session);
        await insertPage(store, page, session);
        return { samples: removed, vectors };
      });
      n += 1;
    },
    async finish() {
      await removeLateVectors(store, request);
      await refreshCounts(store, datasetId);
      await refreshVectorCounts(store, datasetId, onStep);
    },
  };
}

/**
 * Removes vectors that a concurrent embedding wrote between the two deletions of a batch. The batches stay recorded
 * until the job ends, so this also works after a crash. The embedding removes its own later writes.
 */
async function removeLateVectors(store: Store, { jobId, datasetId, onStep }: RemovalRequest): Promise<void> {
  const models = await vectorModels(store, datasetId);
  for await (const seqs of goneByPage(store, jobId)) {
    await removeSampleVectors(store, { datasetId, models, seqs });
    onStep();
  }
}

/** Refreshes the dataset's `models[].vectors`. */
async function refreshVectorCounts(store: Store, datasetId: string, onStep: () => void): Promise<void> {
  for (const { key } of await modelsOf(store, datasetId)) {
    await setVectorCount(store, datasetId, key, await countVectors(store, { datasetId, modelKey: key }));
    onStep();
  }
}
