import type { AnnotationClass } from '../../contract/annotation.ts';
import { type FieldSet, recordField, writeAnnotations } from '../store/annotations.ts';
import { getDataset } from '../store/datasets.ts';
import type { ReadingDocument } from '../store/documents.ts';
import { countSamples } from '../store/samples.ts';
import { slicesOf } from '../store/slices.ts';
import { stagedPieces } from '../store/staged-annotations.ts';
import type { Store } from '../store/store.ts';
import { BUCKETS, piecesOf } from './buckets.ts';
import { type AppliedCounts, firstCounts } from './counts.ts';
import { type AnnotatedImage, joinPieces } from './join.ts';
import { createMatcher } from './match.ts';
import { type AnnotationPlan, setKey } from './plan.ts';
import { removeStale } from './remove.ts';
import { createSeqSet, type SeqSet } from './seq-set.ts';
import { createUpdates } from './updates.ts';

export interface ApplyRequest {
  jobId: string;
  datasetId: string;
  plan: AnnotationPlan;
  reading: ReadingDocument;
  onStep: () => void;
  onProgress: (counts: AppliedCounts) => void;
  signal: AbortSignal;
}

/** Images that are matched and written together. */
const BATCH = 500;

/** Buckets are read together up to about this many bytes. */
const READ_BYTES = 256 << 10;

/**
 * Gives the samples of a dataset what was read. A sample that has the same already is left as it is, so an attempt after
 * a crash, and a job that repeats another one, write only what is new.
 */
export async function applyAnnotations(store: Store, request: ApplyRequest): Promise<AppliedCounts> {
  const { jobId, datasetId, plan, reading, onStep, onProgress, signal } = request;
  const dataset = await getDataset(store, datasetId);
  const { field, from, sets } = plan;
  const wasGiven = dataset.annotation_fields?.some(({ name, from: known }) => name === field && known.includes(from));
  // Noted before the first write: what a job that broke off has written is found by the next one.
  await recordField(store, datasetId, { field, from, classes: JSON.parse(reading.classes) as AnnotationClass[] });

  const counts = firstCounts(reading);
  const all = createSeqSet();
  const named = new Map(sets.map(({ path }) => [setKey(path), createSeqSet(all)]));
  for (const [position, { path }] of sets.entries()) {
    const set = setKey(path);
    const fields: FieldSet = { datasetId, field, set };
    const { below } = plan;
    const roots = below === undefined ? dataset.sources : [below];
    const matcher = createMatcher(store, fields, { roots, below }, onStep);
    const updates = createUpdates({ jobId, plan, path }, named.get(set) as SeqSet, counts);
    let writing = Promise.resolve();
    for await (const batch of imagesOf(store, reading, position)) {
      signal.throwIfAborted();
      const changed = updates.of(batch, await matcher.match(batch));
      // The next batch is read and matched while this one is written.
      await writing;
      writing = writeAnnotations(store, fields, changed).then((refused) => updates.refuse(refused.length));
      writing.catch(() => undefined);
      onStep();
      onProgress({ ...counts, matched: all.size });
    }
    await writing;
  }
  if (isWhole(reading, named) && (wasGiven === true || plan.replace))
    counts.removed = await removeStale(store, plan, named, { datasetId, onStep, signal });
  const matched = { ...counts, matched: all.size };
  const indexed = await countSamples(store, datasetId, 'indexed');
  return { ...matched, without_annotations: Math.max(0, indexed - matched.matched) };
}

/** The images of a set, bucket by bucket. */
async function* imagesOf(store: Store, reading: ReadingDocument, set: number): AsyncGenerator<AnnotatedImage[]> {
  // A small file has little in each bucket, and a round trip costs more than its images.
  const reads = Math.min(BUCKETS, Math.max(1, Math.ceil(reading.staged_bytes / READ_BYTES)));
  const read = (n: number) => {
    const [from, to] = [n, n + 1].map((at) => Math.floor((at * BUCKETS) / reads));
    return stagedPieces(store, reading, { set, from: from as number, to: to as number });
  };
  let next = read(0);
  for (let n = 0; n < reads; n += 1) {
    const stored = await next;
    next = n + 1 < reads ? read(n + 1) : Promise.resolve([]);
    // The next turn awaits it. Until then its failure must not end the process.
    next.catch(() => undefined);
    yield* slicesOf(joinPieces(piecesOf(stored)), BATCH);
  }
}

/** What could not be read may name any sample. */
const UNKNOWN = ['unreadable_file', 'malformed', 'bad_encoding', 'too_many'] as const;

/**
 * Whether a sample that is not named has lost its annotations: all was read, and each path names some samples. A disk
 * that is not there looks like a folder without a file.
 */
const isWhole = ({ invalid }: ReadingDocument, named: ReadonlyMap<string, SeqSet>): boolean =>
  UNKNOWN.every((reason) => (invalid[reason] ?? 0) === 0) && [...named.values()].every(({ size }) => size > 0);
