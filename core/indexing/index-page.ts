import { Binary, ObjectId, Timestamp } from 'mongodb';
import type { FileOutcomes } from '../../contract/job.ts';
import { UserError } from '../errors.ts';
import type { Expansion, ExpansionChoices, FileToExpand, Item, Medium } from '../media/medium.ts';
import { fileRefOf, UNKNOWN_FINGERPRINT } from '../sources/files.ts';
import type { Sources } from '../sources/source.ts';
import { findDataset } from '../store/datasets.ts';
import type { PageFile, SampleDocument, SeqBlock } from '../store/documents.ts';
import { jobEnded } from '../store/job-errors.ts';
import { findPage } from '../store/pages.ts';
import { findProgress, type OpenChunk, raiseProgress, takeBlock } from '../store/progress.ts';
import {
  itemsOf,
  regroupSamples,
  removeSamples,
  type SampleUpdate,
  type StoredItem,
  seqsInUse,
  writeSamples,
} from '../store/samples.ts';
import type { Store } from '../store/store.ts';
import { leftOvers, matchItems } from './match-items.ts';
import { pageGone } from './written-pages.ts';

/** A request to index one page of a job. */
export interface IndexPageRequest {
  jobId: string;
  datasetId: string;
  page: number;
  /** Whether the listing took files that looked unchanged. */
  reread?: boolean;
  /** The position that the previous attempt reached, if there was one. */
  resume?: IndexPageCursor | undefined;
  /** Called after each database write, with the position to resume from. */
  onWrite: (cursor: IndexPageCursor) => void;
  /** Called as files are read. */
  onRead: () => void;
  signal: AbortSignal;
}

/** Outcomes of a page's files. */
export type IndexPageResult = Pick<FileOutcomes, 'added' | 'changed' | 'failed'>;

/** How many batches of a page are written, and their outcomes. */
export interface IndexPageCursor extends IndexPageResult {
  batches: number;
}

/** Files read and written together. A crash repeats at most this many. */
const BATCH_FILES = 1000;

/**
 * Reads the files of a page, expands them into items and writes their samples.
 *
 * A repeated run produces the same samples. New samples take their numbers from blocks. One transaction takes a block
 * from the dataset and records it on the page's count, so an attempt after a crash finds the blocks and uses the
 * remaining numbers. The samples are written outside a transaction: the server would keep the transaction of a killed
 * worker open for a minute, and the next attempt would wait for it.
 *
 * @throws UserError PageGone when the page is no longer stored.
 * @throws UserError Superseded when the job is over.
 */
export async function indexPage(
  store: Store,
  { medium, sources }: { medium: Medium; sources: Sources },
  request: IndexPageRequest,
): Promise<IndexPageResult> {
  const { jobId, page, resume, signal } = request;
  const stored = await findPage(store, jobId, page);
  if (stored === undefined) throw pageGone(jobId, page);
  const dataset = await findDataset(store, request.datasetId);
  const reference = { jobId, phase: 'indexing', chunk: page } as const;
  const count = await findProgress(store, reference);
  if (count === undefined) throw jobEnded(jobId);
  const chunk = { ...reference, opened: count.opened };
  const numbers = createNumbers(store, request, chunk, count.blocks ?? []);
  const unchanged = count.total - stored.files.length;

  const { batches: written = 0, ...before } = resume ?? {};
  const result: IndexPageResult = { added: 0, changed: 0, failed: 0, ...before };
  // Reading the next batch's files overlaps with writing this one's samples.
  const batches = batchesOf(stored.files, medium);
  const read = (batch: PageFile[] = []) => expand(medium, sources, batch, request.onRead, dataset?.expansion);
  let reading = read(batches[written]);
  for (const [n, batch] of batches.entries()) {
    if (n < written) continue;
    signal.throwIfAborted();
    const expansions = await reading;
    reading = read(batches[n + 1]);
    // The next turn awaits it. Until then its failure must not end the process.
    reading.catch(() => undefined);
    const inserted = await writeBatch(store, request, numbers, { n, files: batch, expansions });
    for (const [i, file] of batch.entries()) {
      if ('error' in (expansions[i] as Expansion)) result.failed += 1;
      else if (file.stored) result.changed += 1;
      else result.added += 1;
    }
    const isNoted = await raiseProgress(store, chunk, {
      done: unchanged + result.added + result.changed,
      failed: result.failed,
      outcomes: { ...result },
    });
    if (!isNoted) await endSuperseded(store, request, dataset?.created_at, inserted);
    request.onWrite({ batches: n + 1, ...result });
  }
  await reading;
  return result;
}

/** Cuts a page into batches. All attempts cut it alike, because a page never changes. */
function batchesOf(files: PageFile[], { batchBytes = Number.POSITIVE_INFINITY }: Medium): PageFile[][] {
  const batches: PageFile[][] = [];
  let batch: PageFile[] = [];
  let bytes = 0;
  for (const file of files) {
    if (batches.length === 0 || batch.length === BATCH_FILES || bytes + file.size > batchBytes) {
      batch = [];
      batches.push(batch);
      bytes = 0;
    }
    batch.push(file);
    bytes += file.size;
  }
  return batches;
}

function expand(
  medium: Medium,
  sources: Sources,
  batch: PageFile[],
  onRead: () => void,
  choices: ExpansionChoices | undefined,
): Promise<Expansion[]> {
  if (batch.length === 0) return Promise.resolve([]);
  const files = batch.map(
    ({ path, bytes, fingerprint, size }): FileToExpand => ({
      ...fileRefOf(path, bytes),
      // The size of a file that could not be examined is unknown, not 0. Opening the file reports the cause.
      size: fingerprint === UNKNOWN_FINGERPRINT ? Number.POSITIVE_INFINITY : size,
    }),
  );
  return medium.expand(files, sources, onRead, choices);
}

interface Batch {
  /** The batch's position within the page. */
  n: number;
  files: readonly PageFile[];
  expansions: readonly Expansion[];
}

/** Writes the samples of a batch. Returns the IDs of the samples that it inserted. */
async function writeBatch(
  store: Store,
  request: IndexPageRequest,
  numbers: Numbers,
  { n, files, expansions }: Batch,
): Promise<ObjectId[]> {
  const { datasetId } = request;
  // An earlier attempt may have written some of these files.
  const wasStarted = numbers.wereTaken(n);
  // An interrupted prune may have left some samples of a file that has many.
  const hasMany = (i: number) => ((expansions[i] as { items?: readonly Item[] }).items?.length ?? 0) > 1;
  const paths = files.filter((file, i) => file.stored || wasStarted || hasMany(i)).map(({ path }) => path);
  const stored = await itemsOf(store, datasetId, paths);
  const plans = files.map((file, i) => planFile(file, expansions[i] as Expansion, stored.get(file.path) ?? []));

  const seqs = await numbers.take(
    n,
    plans.reduce((sum, { inserts }) => sum + inserts.length, 0),
  );
  const { jobId, reread } = request;
  const context = { jobId, datasetId, now: new Date(), ...(reread ? { rereadBy: jobId } : {}) };
  const inserts: SampleDocument[] = [];
  const updates: SampleUpdate[] = [];
  const inserted: ObjectId[] = [];
  for (const plan of plans) {
    const ofFile = plan.inserts.map((sample) => insertOf(plan.file, sample, seqs.next().value as number, context));
    const changes = plan.updates.map((sample) => updateOf(plan.file, sample, context));
    if (plan.moves) inserted.push(...(await regroupSamples(store, ofFile, changes)));
    else {
      inserts.push(...ofFile);
      updates.push(...changes);
    }
  }
  return [...inserted, ...(await writeSamples(store, inserts, updates))];
}

/** The state that a sample is to have. */
interface PlannedSample {
  part: number;
  status: SampleDocument['status'];
  item?: Item;
  error?: { code: string; message: string };
}

interface FilePlan {
  file: PageFile;
  inserts: PlannedSample[];
  updates: (PlannedSample & { stored: StoredItem })[];
  /** Whether stored samples change their parts. The file's samples must then be rewritten together. */
  moves: boolean;
}

function planFile(file: PageFile, expansion: Expansion, stored: readonly StoredItem[]): FilePlan {
  if ('error' in expansion) return planFailure(file, expansion.error, stored);
  const { items } = expansion;
  const { kept, added, left } = matchItems(items, stored);
  const indexed = (part: number): PlannedSample => ({ part, status: 'indexed', item: items[part] as Item });
  const updates = [
    ...kept.map(({ part, stored: sample }) => ({ ...indexed(part), stored: sample })),
    // A sample that the file no longer holds is missing, until the file holds it again or a prune removes it.
    ...left.map((sample, i) => ({ part: items.length + i, status: 'missing' as const, stored: sample })),
  ];
  return {
    file,
    inserts: added.map(indexed),
    updates,
    moves: updates.some(({ part, stored: sample }) => part !== sample.part),
  };
}

/** Fails the samples of a file that can't be read. Those that were no longer in it stay missing. */
function planFailure(
  file: PageFile,
  error: { code: string; message: string },
  stored: readonly StoredItem[],
): FilePlan {
  const failed = (part: number): PlannedSample => ({ part, status: 'failed', error });
  const leftBefore = new Set(leftOvers(stored));
  return {
    file,
    inserts: stored.length === 0 ? [failed(0)] : [],
    updates: stored
      .filter((sample) => !leftBefore.has(sample))
      .map((sample) => ({ ...failed(sample.part), stored: sample })),
    moves: false,
  };
}

interface WriteContext {
  jobId: string;
  rereadBy?: string;
  datasetId: string;
  now: Date;
}

const sourceOf = ({ size, mtime_ns, fingerprint }: PageFile, { rereadBy }: WriteContext) => ({
  size_bytes: size,
  mtime_ns,
  fingerprint,
  ...(rereadBy === undefined ? {} : { reread_by: rereadBy }),
});

function insertOf(
  file: PageFile,
  { part, status, item, error }: PlannedSample,
  seq: number,
  context: WriteContext,
): SampleDocument {
  const { jobId, datasetId, now } = context;
  return {
    _id: new ObjectId(),
    dataset_id: datasetId,
    seq,
    filepath: file.path,
    ...(file.bytes === undefined ? {} : { filepath_bytes: file.bytes as Binary }),
    part,
    source: sourceOf(file, context),
    ...(item?.content === undefined ? {} : { content: item.content }),
    ...(item === undefined ? {} : { metadata: item.metadata }),
    // The server puts its cluster time in the place of an empty timestamp.
    ...(item?.words === undefined
      ? {}
      : { words: new Binary(item.words), words_written: new Timestamp({ t: 0, i: 0 }) }),
    tags: [],
    status,
    ...(error === undefined ? {} : { error: { ...error, stage: 'indexing', at: now } }),
    job_id: jobId,
    created_at: now,
    last_modified_at: now,
  };
}

function updateOf(
  file: PageFile,
  { part, status, item, error, stored }: FilePlan['updates'][number],
  context: WriteContext,
): SampleUpdate {
  const { jobId, now, rereadBy } = context;
  // Searches take in all words that are written, and an edit of one row leaves those of thousands as they are.
  const hasNewWords = item?.words !== undefined && (item.content !== stored.content || rereadBy !== undefined);
  return {
    _id: stored._id,
    part,
    source: sourceOf(file, context),
    status,
    ...(item?.content === undefined ? {} : { content: item.content }),
    ...(item === undefined ? {} : { metadata: item.metadata }),
    ...(hasNewWords ? { words: new Binary(item.words) } : {}),
    ...(error === undefined ? {} : { error: { ...error, stage: 'indexing', at: now } }),
    job_id: jobId,
    last_modified_at: now,
  };
}

/** Hands out the numbers of a page's new samples. */
interface Numbers {
  /** Whether an earlier attempt took numbers for a batch. */
  wereTaken(batch: number): boolean;
  /** Takes `count` numbers for a batch, in order. Unused numbers of an earlier attempt come first. */
  take(batch: number, count: number): Promise<Iterator<number>>;
}

function createNumbers(
  store: Store,
  { jobId, datasetId }: IndexPageRequest,
  chunk: OpenChunk,
  known: SeqBlock[],
): Numbers {
  let blocks = known;

  async function freeOf(batch: number): Promise<number[]> {
    const own = blocks.filter((block) => block.batch === batch);
    const used = await seqsInUse(store, datasetId, own);
    return own.flatMap(({ base, count }) => range(base, count)).filter((seq) => !used.has(seq));
  }

  return {
    wereTaken: (batch) => blocks.some((block) => block.batch === batch),
    async take(batch, count) {
      if (count === 0) return range(0, 0).values();
      for (let free = await freeOf(batch); ; free = await freeOf(batch)) {
        if (free.length >= count) return free.values();
        const block = await takeBlock(store, chunk, datasetId, {
          batch,
          count: count - free.length,
          known: blocks.length,
        });
        if (block !== false) {
          blocks = [...blocks, block];
          return [...free, ...range(block.base, block.count)].values();
        }
        // Another attempt took the block first, or the job is over.
        const now = await findProgress(store, chunk);
        if (now === undefined || !now.opened.equals(chunk.opened)) throw jobEnded(jobId);
        if ((now.blocks ?? []).length === blocks.length) throw deletedMeanwhile(datasetId);
        blocks = now.blocks ?? [];
      }
    },
  };
}

const range = (base: number, count: number) => Array.from({ length: count }, (_, i) => base + i);

const deletedMeanwhile = (datasetId: string) =>
  new UserError('DatasetNotFound', `Dataset ${datasetId} was deleted while it was being indexed.`);

/**
 * Ends an attempt whose page has no count: its job is over. What it has written stays, because it is what the files
 * hold:
 * the next load, or another attempt of this page, may have counted it already. Only of a dataset that was deleted since
 * it must not stay. A deletion marks the dataset, removes the counts and then the samples, so a deletion that begins
 * after this look sees what was inserted.
 *
 * @throws UserError Superseded
 */
async function endSuperseded(
  store: Store,
  { jobId, datasetId }: IndexPageRequest,
  createdAt: Date | undefined,
  inserted: ObjectId[],
): Promise<never> {
  const now = await findDataset(store, datasetId);
  const isSame = now !== undefined && now.deleting === undefined && now.created_at.getTime() === createdAt?.getTime();
  if (!isSame) await removeSamples(store, inserted);
  throw jobEnded(jobId);
}
