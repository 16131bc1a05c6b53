import type { RemovedCounts } from '../../contract/job.ts';
import { UserError } from '../errors.ts';
import { refreshCounts } from '../indexing/counts.ts';
import { isAsLoaded } from '../sources/as-loaded.ts';
import { fileOfSample } from '../sources/files.ts';
import { goneAmong } from '../sources/files-gone.ts';
import { createPresence } from '../sources/presence.ts';
import type { Sources } from '../sources/source.ts';
import { modelsOf, setVectorCount, sourcesOf } from '../store/datasets.ts';
import { countSampleVectors, countVectors, removeSampleVectors, vectorModels } from '../store/embeddings.ts';
import { removedBy, setKept } from '../store/jobs.ts';
import { countPages, goneByPage, insertPage, pageId } from '../store/pages.ts';
import { filesNotMissing, type MissingSample, missingSamples, removeSamples } from '../store/samples.ts';
import type { Store } from '../store/store.ts';
import { BATCH, jobHasEnded, removeBatch } from './remove-batch.ts';

/** A request to prune a dataset. */
export interface PruneRequest {
  jobId: string;
  datasetId: string;
  /** Called after each batch. */
  onStep: () => void;
  signal: AbortSignal;
}

/**
 * Removes the missing samples of a dataset and their vectors of all models. The missing mark is as old as the last
 * load, so each file is checked again. A sample is kept and counted if its file is back, unless the file no longer
 * holds it. A sample is also kept if its source is absent or on another disk than at its last load, because an
 * unmounted disk leaves an empty folder. Each batch is atomic, so an interrupted prune can restart. Returns what all
 * attempts of the job have removed.
 *
 * @throws UserError SourceNotFound when nothing was removed because of absent sources
 */
export async function pruneMissing(store: Store, sources: Sources, request: PruneRequest): Promise<RemovedCounts> {
  const { jobId, datasetId, onStep, signal } = request;
  const models = await vectorModels(store, datasetId);
  const roots = await sourcesOf(store, datasetId);
  let n = await countPages(store, jobId);
  const absent = new Set<string>();
  let kept = 0;
  for await (const missing of missingSamples(store, datasetId, BATCH)) {
    signal.throwIfAborted();
    const withoutFile = await goneAmong(sources, missing, fileOfSample, onStep);
    // A source is checked after its files, once per batch, because it may vanish meanwhile.
    const presence = createPresence(roots, (root) => isAsLoaded(store, sources, datasetId, root));
    const gone: MissingSample[] = [];
    for (const sample of withoutFile) if (await presence.has(sample.filepath)) gone.push(sample);
    const isGone = new Set(withoutFile);
    gone.push(
      ...(await removedFromFiles(
        store,
        datasetId,
        missing.filter((sample) => !isGone.has(sample)),
      )),
    );
    for (const source of presence.absent()) absent.add(source);
    kept += missing.length - gone.length;
    if (gone.length > 0) await pruneBatch(store, request, { models, gone, n: n++ });
    onStep();
  }
  const folders = [...absent].sort();
  if (!(await setKept(store, jobId, { kept, folders }))) throw jobHasEnded(jobId);
  await removeLateVectors(store, request);
  await refreshCounts(store, datasetId);
  await refreshVectorCounts(store, datasetId, onStep);
  const removed = await removedBy(store, jobId);
  if (folders.length > 0 && removed.samples === 0) throw sourcesAbsent(folders);
  return removed;
}

const sourcesAbsent = (folders: readonly string[]) =>
  new UserError(
    'SourceNotFound',
    'The missing samples lay in folders that are not there, are empty, ' +
      `or are on another disk than at their last load: ${folders.join(', ')}. Nothing was removed. ` +
      'If a folder is on a mounted disk, check that it is mounted; otherwise load the folder again, then prune.',
  );

/** Returns the samples that their files no longer hold. A file's first sample is missing only if the file is. */
async function removedFromFiles(
  store: Store,
  datasetId: string,
  samples: readonly MissingSample[],
): Promise<MissingSample[]> {
  const further = samples.filter(({ part }) => part > 0);
  if (further.length === 0) return [];
  const there = await filesNotMissing(store, datasetId, [...new Set(further.map(({ filepath }) => filepath))]);
  return further.filter(({ filepath }) => there.has(filepath));
}

interface GoneBatch {
  models: readonly string[];
  gone: readonly MissingSample[];
  /** The batch's number within the job, from 0. */
  n: number;
}

function pruneBatch(store: Store, { jobId, datasetId }: PruneRequest, { models, gone, n }: GoneBatch): Promise<void> {
  const seqs = gone.map(({ seq }) => seq);
  return removeBatch(store, jobId, async (session) => {
    const vectors = await removeSampleVectors(store, { datasetId, models, seqs }, session);
    const samples = await removeSamples(
      store,
      gone.map(({ _id }) => _id),
      session,
    );
    const page = { _id: pageId(jobId, n), job_id: jobId, n, upto: '', last: false, files: [], gone: seqs };
    await insertPage(store, page, session);
    return { samples, vectors };
  });
}

/**
 * Removes vectors that a concurrent embedding wrote between the two deletions of a batch. The batches stay recorded
 * until the job ends, so this also works after a crash. The embedding removes its own later writes.
 */
async function removeLateVectors(store: Store, { jobId, datasetId, onStep, signal }: PruneRequest): Promise<void> {
  const models = await vectorModels(store, datasetId);
  for await (const seqs of goneByPage(store, jobId)) {
    signal.throwIfAborted();
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

/** Counts what a prune would remove now, if no file has come back. */
export async function countMissing(store: Store, datasetId: string): Promise<RemovedCounts> {
  const models = await vectorModels(store, datasetId);
  const counts: RemovedCounts = { samples: 0, vectors: 0 };
  for await (const missing of missingSamples(store, datasetId, BATCH)) {
    counts.samples += missing.length;
    counts.vectors += await countSampleVectors(store, { datasetId, models, seqs: missing.map(({ seq }) => seq) });
  }
  return counts;
}
