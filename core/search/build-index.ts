import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { IndexKind, IndexStatus } from '../../contract/job.ts';
import { clusterTime } from '../store/cluster-time.ts';
import { findPublishedIndex, getDataset } from '../store/datasets.ts';
import type { PublishedIndexDocument } from '../store/documents.ts';
import { countVectors } from '../store/embeddings.ts';
import { countWrittenSince, vectorsAfter } from '../store/search-vectors.ts';
import type { Store } from '../store/store.ts';
import type { SearchedSet } from './finder.ts';
import type { BuildBeginning, IndexBuilder, SavedIndex } from './index-builder.ts';
import { forgetCached, keepBuilt, publishIndex } from './publish-index.ts';
import { buildingFolder, sweepIndexes } from './sweep-indexes.ts';

/** Up to this many vectors a search compares the query with each of them: about 30 ms on one core at 512 elements. */
const EXACT_UP_TO = 250_000;
/** Below this many vectors no index is built unless asked for: the vectors are read from MongoDB in half a second. */
export const INDEX_FROM = 10_000;
/** An index is built anew when this part of its vectors was written or removed since. Until then they are scanned. */
const CHANGED_PART = 0.1;

const BATCH = 1000;
/** The fewest vectors between two saves: half a minute of work. */
const SAVE_EVERY = 100_000;
/** A save writes the whole graph. It waits until the graph has grown by this part, so all saves write 5 times the last. */
const GROWN_PART = 0.25;

/** The kind of index that suits a number of vectors. */
export const kindFor = (vectors: number): IndexKind => (vectors > EXACT_UP_TO ? 'i8' : 'exact');

/**
 * The index that a job should build after its embedding; null if none is needed. A job that asks for a kind gets it if
 * the published index is another one.
 */
export async function indexNeeded(
  store: Store,
  set: SearchedSet,
  asked: 'auto' | 'none' | IndexKind,
  indexFrom = INDEX_FROM,
): Promise<IndexStatus | null> {
  if (asked === 'none') return null;
  const [index, total] = await Promise.all([findPublishedIndex(store, set), countVectors(store, set)]);
  const kind = asked === 'auto' ? (index === undefined ? kindFor(total) : grownKind(index.kind, total)) : asked;
  const build = { kind, done: 0, total };
  if (index === undefined) return total >= (asked === 'auto' ? indexFrom : 1) ? build : null;
  return index.kind !== kind || (await hasChanged(store, set, index, total)) ? build : null;
}

/** Whether much was written or removed since a build began. */
async function hasChanged(
  store: Store,
  set: SearchedSet,
  { covers, vectors }: BuildBeginning,
  total: number,
): Promise<boolean> {
  const written = await countWrittenSince(store, set, covers);
  const removed = Math.max(0, vectors + written - total);
  return written + removed > CHANGED_PART * Math.max(vectors, INDEX_FROM);
}

/** The kind that somebody chose stays; a set that has outgrown a scan gets a graph. */
const grownKind = (kind: IndexKind, total: number): IndexKind => (kind === 'exact' ? kindFor(total) : kind);

/** A request to build the index of a set. */
export interface BuildRequest {
  set: SearchedSet;
  /** Chosen by the number of vectors if left out. */
  kind?: IndexKind | undefined;
  /** This machine's cache, for what a broken-off build has saved and for the files of the index. */
  cache: string;
  /** Called for each part of the work, with how many vectors are in the index. */
  onStep: (progress: BuildProgress) => void;
  signal: AbortSignal;
}

export interface BuildProgress {
  kind: IndexKind;
  done: number;
  total: number;
}

/**
 * Builds and publishes the index of a set. A broken-off build on the same machine is continued unless much has changed
 * since it began: an index holds what was written before its build began, and searches scan what was written since.
 *
 * @throws UserError DatasetNotFound
 */
export async function buildIndex(
  store: Store,
  builder: IndexBuilder,
  { set, cache, onStep, signal, ...request }: BuildRequest,
): Promise<PublishedIndexDocument> {
  const { created_at } = await getDataset(store, set.datasetId);
  const total = await countVectors(store, set);
  const kind = request.kind ?? kindFor(total);
  const saved = await builder.open(buildingFolder(cache, hashOf(store.database, set, kind, created_at)), {
    dim: set.dim,
    kind,
    threads: availableParallelism(),
  });
  const { beginning, count, lastSeq } =
    saved !== undefined && !(await hasChanged(store, set, saved.beginning, total))
      ? saved
      : await beginAnew(store, builder, total);
  let done = count;
  const step = () => onStep({ kind, done, total: Math.max(total, done) });
  step();

  let saveAt = nextSave(done);
  // The builder adds a batch while the next one is read.
  let adding = Promise.resolve();
  try {
    for await (const { seqs, vectors } of vectorsAfter(store, set, lastSeq, BATCH)) {
      signal.throwIfAborted();
      await adding;
      adding = builder.add(seqs, vectors);
      // The next turn awaits it. Until then its failure must not end the process.
      adding.catch(() => undefined);
      done += seqs.length;
      step();
      if (done < saveAt) continue;
      await adding;
      await builder.save();
      saveAt = nextSave(done);
      step();
    }
    await adding;
  } catch (error) {
    // A pause or a cancel keeps what is done.
    if (signal.aborted) {
      await adding;
      await builder.save();
    }
    throw error;
  }
  const built = await builder.finish();
  const { index, before } = await publishIndex(store, {
    set,
    kind,
    covers: beginning.covers,
    built,
    onStep: step,
    signal,
  });
  // Without these files, this machine would fetch them as others do.
  await keepBuilt(cache, index, built).catch(() => undefined);
  if (before !== undefined) await forgetCached(cache, before.id);
  await sweepIndexes(cache);
  return index;
}

async function beginAnew(store: Store, builder: IndexBuilder, vectors: number): Promise<SavedIndex> {
  const beginning = { covers: await clusterTime(store), vectors };
  await builder.begin(beginning);
  return { beginning, count: 0, lastSeq: -1 };
}

/** How many vectors there are at the next save, after one at `saved` vectors. */
export const nextSave = (saved: number): number => saved + Math.max(SAVE_EVERY, GROWN_PART * saved);

/** A dataset that was deleted and made again has another hash. */
function hashOf(database: string, { datasetId, modelKey, dim }: SearchedSet, kind: IndexKind, created: Date): string {
  const name = [database, datasetId, created.toISOString(), modelKey, dim, kind].join('\n');
  return createHash('sha256').update(name).digest('hex').slice(0, 16);
}
