import type { WithId } from 'mongodb';
import type { RemovedCounts } from '../../contract/job.ts';
import { UserError } from '../errors.ts';
import { refreshCounts } from '../indexing/counts.ts';
import { isAsLoaded, sourcesOf } from '../jobs/sources-there.ts';
import { createPresence } from '../sources/presence.ts';
import type { SampleDocument } from '../store/documents.ts';
import type { Store } from '../store/store.ts';
import { withoutFile } from './files-gone.ts';
import { BATCH, recordKept, removeBatch, removedBy } from './remove-batch.ts';
import { filterOf, modelKeys, refreshVectors, removeVectors } from './vectors.ts';

export interface PruneRequest {
  jobId: string;
  datasetId: string;
  /** Called after each batch. */
  onStep: () => void;
  signal: AbortSignal;
}

/**
 * Removes the samples of a dataset whose files are missing, and their vectors of all models. The mark is as old as the last
 * load, so each file is looked for again: a sample whose file is back is kept, and counted, and so are those of a source that is
 * not there, or is on another disk than its last load found it on: an unmounted disk leaves an empty folder. Each batch is whole or not at all, so
 * it may be broken off at any point and begun again. Returns what the job has removed, all attempts together.
 *
 * @throws UserError SourceNotFound where nothing was removed because of such sources
 */
export async function pruneMissing(store: Store, request: PruneRequest): Promise<RemovedCounts> {
  const { jobId, datasetId, onStep, signal } = request;
  const models = await modelKeys(store, datasetId);
  let n = await store.pages.countDocuments({ job_id: jobId });
  const sources = await sourcesOf(store, datasetId);
  const absent = new Set<string>();
  let kept = 0;
  for await (const missing of missingSamples(store, datasetId)) {
    signal.throwIfAborted();
    // Looked at after its files, and for each batch: it may go away meanwhile.
    const presence = createPresence(sources, (source) => isAsLoaded(store, datasetId, source));
    const gone: MissingSample[] = [];
    for (const sample of await withoutFile(missing, onStep)) if (await presence.has(sample.filepath)) gone.push(sample);
    for (const source of presence.absent()) absent.add(source);
    kept += missing.length - gone.length;
    if (gone.length > 0) await pruneBatch(store, request, { models, gone, n: n++ });
    onStep();
  }
  const folders = [...absent].sort();
  await recordKept(store, jobId, { kept, folders });
  await removeLateVectors(store, request);
  await refreshCounts(store, datasetId);
  await refreshVectors(store, datasetId, onStep);
  const removed = await removedBy(store, jobId);
  if (folders.length > 0 && removed.samples === 0) throw sourcesNotThere(folders);
  return removed;
}

const sourcesNotThere = (folders: readonly string[]) =>
  new UserError(
    'SourceNotFound',
    `What is missing lay in folders that are not there, are empty, or are on another disk than when they were last loaded: ${folders.join(', ')}. Nothing was removed. If it is a mounted disk, see whether it is mounted; else load the folder again, then prune.`,
  );

type MissingSample = Pick<WithId<SampleDocument>, '_id' | 'seq' | 'filepath' | 'filepath_bytes'>;

/** In batches, by seq. */
async function* missingSamples(store: Store, datasetId: string): AsyncGenerator<MissingSample[]> {
  for (let after = -1; ; ) {
    const batch = await store.samples
      .find(
        { dataset_id: datasetId, status: 'missing', seq: { $gt: after } },
        { projection: { seq: 1, filepath: 1, filepath_bytes: 1 } },
      )
      .sort({ seq: 1 })
      .limit(BATCH)
      .toArray();
    const last = batch.at(-1);
    if (last === undefined) return;
    yield batch;
    after = last.seq;
  }
}

interface GoneBatch {
  models: readonly string[];
  gone: readonly MissingSample[];
  /** Of the batches of this job, from 0. */
  n: number;
}

function pruneBatch(store: Store, { jobId, datasetId }: PruneRequest, { models, gone, n }: GoneBatch): Promise<void> {
  const seqs = gone.map(({ seq }) => seq);
  return removeBatch(store, jobId, async (session) => {
    const vectors = await removeVectors(store, { datasetId, models, seqs }, session);
    const { deletedCount } = await store.samples.deleteMany({ _id: { $in: gone.map(({ _id }) => _id) } }, { session });
    await store.pages.insertOne(
      { _id: `${jobId}/${n}`, job_id: jobId, n, upto: '', last: false, entries: [], gone: seqs },
      { session },
    );
    return { samples: deletedCount, vectors };
  });
}

/**
 * An embedding that runs beside the prune may have written a vector between the two deletions of a batch. The batches are
 * on record until the job ends, so that this holds after a crash, too. What it writes later it takes back by itself.
 */
async function removeLateVectors(store: Store, { jobId, datasetId, onStep, signal }: PruneRequest): Promise<void> {
  const models = await modelKeys(store, datasetId);
  for await (const { gone } of store.pages.find({ job_id: jobId })) {
    signal.throwIfAborted();
    await removeVectors(store, { datasetId, models, seqs: gone });
    onStep();
  }
}

/** What a prune would remove now, if no file is back. */
export async function countMissing(store: Store, datasetId: string): Promise<RemovedCounts> {
  const models = await modelKeys(store, datasetId);
  const counts: RemovedCounts = { samples: 0, vectors: 0 };
  for await (const missing of missingSamples(store, datasetId)) {
    counts.samples += missing.length;
    counts.vectors += await store.embeddings.countDocuments(
      filterOf({ datasetId, models, seqs: missing.map(({ seq }) => seq) }),
    );
  }
  return counts;
}
