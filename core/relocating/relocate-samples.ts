import type { ClientSession } from 'mongodb';
import type { MovedCounts } from '../../contract/job.ts';
import { isBelow, isInOrBelow, movedPath } from '../folders.ts';
import { fileOfSample } from '../sources/files.ts';
import { setSources, sourcesOf } from '../store/datasets.ts';
import { addMoved, movedBy } from '../store/job-effects.ts';
import { jobEnded } from '../store/job-errors.ts';
import { moveFirstSamples } from '../store/samples-below.ts';
import { inTransaction, type Store } from '../store/store.ts';
import type { Move } from './check-relocation.ts';
import { movedFile } from './moved-file.ts';

/** A request to move the samples below one folder to another. It was checked by `checkRelocation`. */
export interface RelocateRequest extends Move {
  jobId: string;
  datasetId: string;
  /** Called after each batch. */
  onStep: () => void;
  signal: AbortSignal;
}

/** Samples moved in one transaction: few enough to keep the server responsive. */
const BATCH = 1000;

/**
 * Gives every sample below the old folder the same path below the new one. Its number, tags and vectors stay. A batch
 * and its count are one transaction, and what was moved is no longer below the old folder, so the next attempt or the
 * next relocate goes on with the rest. In between, the dataset has both folders as sources. Returns what all attempts
 * of the job have moved.
 *
 * @throws UserError Superseded
 */
export async function relocateSamples(store: Store, request: RelocateRequest): Promise<MovedCounts> {
  const { jobId, datasetId, from, onStep, signal } = request;
  await changeSources(store, request, withMoved);
  onStep();
  for (let left = true; left; ) {
    signal.throwIfAborted();
    left = await inTransaction(store, async (session) => {
      const samples = await moveFirstSamples(
        store,
        { datasetId, folder: from },
        { count: BATCH, movedOf: (file) => movedFile(fileOfSample(file), request) },
        session,
      );
      await requireOpen(store, jobId, { samples }, session);
      return samples > 0;
    });
    onStep();
  }
  await changeSources(store, request, withoutOld);
  return movedBy(store, jobId);
}

/** The sources, and beside them those that move under their new names. */
function withMoved(sources: readonly string[], { from, to }: Move): string[] {
  const moved = sources.filter((source) => isInOrBelow(source, from)).map((source) => movedPath(source, { from, to }));
  const all = [...new Set([...sources, ...moved])];
  // Part of a source moves. Its new place becomes a source, unless it is below one.
  const isPart = sources.some((source) => isBelow(from, source));
  return isPart && !all.some((source) => isInOrBelow(to, source)) ? [...all, to] : all;
}

const withoutOld = (sources: readonly string[], { from }: Move) =>
  sources.filter((source) => !isInOrBelow(source, from));

/** Changes the dataset's sources, unless the job has ended. A repeated change does nothing. */
function changeSources(
  store: Store,
  request: RelocateRequest,
  change: (sources: readonly string[], move: Move) => string[],
): Promise<void> {
  const { jobId, datasetId } = request;
  return inTransaction(store, async (session) => {
    await requireOpen(store, jobId, { samples: 0 }, session);
    const sources = await sourcesOf(store, datasetId, session);
    await setSources(store, datasetId, change(sources, request), session);
  });
}

/** Adds to the job's count, which an ended job refuses: this attempt has outlived it. */
async function requireOpen(store: Store, jobId: string, moved: MovedCounts, session: ClientSession): Promise<void> {
  if (await addMoved(store, jobId, moved, session)) return;
  throw jobEnded(jobId);
}
