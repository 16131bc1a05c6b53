import type { RemovedCounts } from '../../contract/job.ts';
import { UserError } from '../errors.ts';
import { isAsLoaded } from '../sources/as-loaded.ts';
import { fileOfSample } from '../sources/files.ts';
import { goneAmong } from '../sources/files-gone.ts';
import { createPresence } from '../sources/presence.ts';
import type { Sources } from '../sources/source.ts';
import { sourcesOf } from '../store/datasets.ts';
import { countSampleVectors, vectorModels } from '../store/embeddings.ts';
import { removedBy, setKept } from '../store/job-effects.ts';
import { jobEnded } from '../store/job-errors.ts';
import { filesNotMissing, type MissingSample, missingSamples } from '../store/samples.ts';
import type { Store } from '../store/store.ts';
import { waysOutOf } from './absent-sources.ts';
import { BATCH } from './remove-batch.ts';
import { openRemoval, type RemovalRequest } from './remove-samples.ts';

/**
 * Removes the missing samples of a dataset and their vectors of all models. The missing mark is as old as the last
 * load, so each file is checked again. A sample is kept and counted if its file is back, unless the file no longer
 * holds it. A sample is also kept if its source is absent or on another disk than at its last load, because an
 * unmounted disk leaves an empty folder. Absent sources are named even if nothing in them is missing. Each batch is
 * atomic, so an interrupted prune can restart. Returns what all attempts of the job have removed.
 *
 * @throws UserError SourceNotFound when nothing was removed because of absent sources
 */
export async function pruneMissing(store: Store, sources: Sources, request: RemovalRequest): Promise<RemovedCounts> {
  const { jobId, datasetId, onStep, signal } = request;
  const removal = await openRemoval(store, request);
  const roots = await sourcesOf(store, datasetId);
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
    if (gone.length > 0) await removal.remove(gone);
    onStep();
  }
  const heldUp = [...absent].sort();
  // A source that moved may have no missing sample yet: loads of its new place do not look at the old one.
  for (const root of roots) {
    if (!absent.has(root) && !(await isAsLoaded(store, sources, datasetId, root))) absent.add(root);
    onStep();
  }
  const folders = [...absent].sort();
  if (!(await setKept(store, jobId, { kept, folders }))) throw jobEnded(jobId);
  await removal.finish();
  const removed = await removedBy(store, jobId);
  if (heldUp.length > 0 && removed.samples === 0) throw sourcesAbsent(datasetId, heldUp);
  return removed;
}

const sourcesAbsent = (datasetId: string, folders: readonly string[]) =>
  new UserError(
    'SourceNotFound',
    'The missing samples lay in folders that are not there, are empty, ' +
      'or are on another disk than at their last load. Nothing was removed. ' +
      // No full stop at the end: the text ends with a command, which people copy.
      folders.map((folder) => `${folder}: ${waysOutOf(datasetId, folder).join('; ')}`).join('; '),
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
