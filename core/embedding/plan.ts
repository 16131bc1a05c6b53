import { countVectors } from '../store/embeddings.ts';
import { jobEnded } from '../store/job-errors.ts';
import { notePlanner, noteRetryScope, touchOpenJob } from '../store/jobs.ts';
import { insertChunkProgress, removeChunkProgress } from '../store/progress.ts';
import { countSamples, indexedSeqs } from '../store/samples.ts';
import { inTransaction, type Store } from '../store/store.ts';
import { lackingSamples } from './lacking.ts';
import { findRecordedModel, findRetryScope } from './retry-scope.ts';

/** The range of seqs from `from` (inclusive) to `to` (exclusive), and how many samples in it lack a vector. */
export type Chunk = [from: number, to: number, count: number];

/** References to the work. They fit a workflow's history at ten million samples (4,000 chunks, 100 KB). */
export interface EmbeddingPlan {
  /** Samples in all chunks. */
  total: number;
  chunks: Chunk[];
}

/**
 * A chunk is this part of what is left. So the last chunks are small, and 16 workers end at about the same time
 * (guided self-scheduling: Polychronopoulos and Kuck, 1987). Each chunk of a large dataset moves its count by 4 % at most.
 */
const PART_OF_REST = 24;
const SMALLEST_CHUNK = 64;
/** Each chunk is an activity, which costs history and, in Temporal Cloud, money. */
const MANY_CHUNKS = 400;
/** Samples of the last chunks of a large dataset, and of its others, which grow with it. */
const LAST_CHUNKS = 500;
const LARGE_CHUNK = 1250;
/** A worker that dies leaves at most a chunk to be looked at again. */
const LARGEST_CHUNK = 2500;

const between = (least: number, n: number, most: number) => Math.min(Math.max(Math.ceil(n), least), most);

/** Samples of the next chunk, of a plan for `total` samples of which `left` are in no chunk yet. */
export function chunkSize(total: number, left: number): number {
  const least = between(SMALLEST_CHUNK, total / 100, LAST_CHUNKS);
  return between(least, left / PART_OF_REST, between(LARGE_CHUNK, total / MANY_CHUNKS, LARGEST_CHUNK));
}

/** The plan is first made of small pieces, because how many samples lack a vector is known at its end. */
const MOST_PIECES = 16_000;

/** A request to plan the embedding of a dataset. */
export interface PlanRequest {
  datasetId: string;
  modelKey: string;
  /** The job's ID if it is a retry. A retry may embed fewer samples than are lacking. */
  onlyFailedOf?: string | undefined;
  /** Called regularly while the dataset is scanned. */
  onScan: (seq: number) => void;
  signal: AbortSignal;
}

/** Divides the samples that lack a vector into chunks, the unit of retry. */
export async function planEmbedding(store: Store, request: PlanRequest): Promise<EmbeddingPlan> {
  const { datasetId, modelKey, signal } = request;
  const onlyFailedOf = await retryOfFailures(store, request);
  const [indexed, vectors] = await Promise.all([
    countSamples(store, datasetId, 'indexed'),
    countVectors(store, { datasetId, modelKey }, 1),
  ]);
  const pieceSamples = Math.max(SMALLEST_CHUNK, Math.ceil(indexed / MOST_PIECES));
  const seqs =
    vectors === 0 && onlyFailedOf === undefined
      ? // The index alone answers if the model has no vector yet.
        indexedSeqs(store, datasetId)
      : lackingSeqs(store, { ...request, onlyFailedOf });

  const pieces: Chunk[] = [];
  let open: Chunk | undefined;
  for await (const seq of seqs) {
    if (open === undefined || open[2] === pieceSamples) {
      signal.throwIfAborted();
      request.onScan(seq);
      open = [seq, seq + 1, 0];
      pieces.push(open);
    }
    open[1] = seq + 1;
    open[2] += 1;
  }
  const total = pieces.reduce((sum, [, , count]) => sum + count, 0);
  return { total, chunks: joined(pieces, total) };
}

/** Joins neighbouring pieces into chunks. A piece that is larger than a chunk should be is a chunk. */
function joined(pieces: readonly Chunk[], total: number): Chunk[] {
  const chunks: Chunk[] = [];
  let size = 0;
  let left = total;
  for (const [from, to, count] of pieces) {
    const last = chunks.at(-1);
    if (last === undefined || last[2] + count > size) {
      size = chunkSize(total, left);
      chunks.push([from, to, count]);
    } else [last[1], last[2]] = [to, last[2] + count];
    left -= count;
  }
  return chunks;
}

/** The retry's job ID, if it embeds only failed samples. */
async function retryOfFailures(
  store: Store,
  { datasetId, modelKey, onlyFailedOf: jobId }: PlanRequest,
): Promise<string | undefined> {
  if (jobId === undefined) return undefined;
  const model = await findRecordedModel(store, datasetId, modelKey);
  const scope = await findRetryScope(store, { jobId, datasetId, model });
  await noteRetryScope(store, jobId, scope);
  return scope === 'failed' ? jobId : undefined;
}

async function* lackingSeqs(store: Store, request: PlanRequest): AsyncGenerator<number> {
  const everything = { ...request, from: 0, to: Number.MAX_SAFE_INTEGER };
  for await (const { seq } of lackingSamples(store, everything)) yield seq;
}

/**
 * Creates the counts of a plan's chunks, all at 0, unless the job is over. One transaction covers the counts and the
 * job's record, so a job's end either removes the counts or prevents them. A chunk only raises an existing count, so it
 * leaves nothing after its job has ended. Another run of the embedding has been reset: the counts of its plan are removed.
 * A repeated call of one run changes nothing, because chunks may be under way by then.
 *
 * @throws UserError Superseded
 */
export async function openChunks(
  store: Store,
  { jobId, runId }: { jobId: string; runId: string },
  { chunks }: EmbeddingPlan,
): Promise<void> {
  const counts = chunks.map(([chunk, , total]) => ({ chunk, total }));
  await inTransaction(store, async (session) => {
    if (!(await touchOpenJob(store, { jobId, phase: 'embedding' }, session))) throw jobEnded(jobId);
    if (await notePlanner(store, jobId, runId, session)) await removeChunkProgress(store, jobId, session);
    await insertChunkProgress(store, jobId, counts, session);
  });
}
