import { UserError } from '../errors.ts';
import { countVectors } from '../store/embeddings.ts';
import { noteRetryScope, touchOpenJob } from '../store/jobs.ts';
import { insertChunkProgress } from '../store/progress.ts';
import { countSamples, indexedSeqs } from '../store/samples.ts';
import { inTransaction, type Store } from '../store/store.ts';
import { lackingSamples } from './lacking.ts';
import { findRecordedModel, findRetryScope } from './retry-scope.ts';

/** The range of seqs from `from` (inclusive) to `to` (exclusive), and how many samples in it lack a vector. */
export type Chunk = [from: number, to: number, count: number];

/** The chunks of one child workflow. `total` counts their samples. */
export interface Shard {
  total: number;
  chunks: Chunk[];
}

/** References to the work. They fit a workflow's history at ten million samples (4,096 chunks, 100 KB). */
export interface EmbeddingPlan {
  total: number;
  shards: Shard[];
}

const MIN_CHUNK = 512;
const MAX_CHUNKS = 4096;
const SHARD_SAMPLES = 50_000;

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

/**
 * Divides the samples that lack a vector into chunks (the unit of retry) and chunks into shards (the unit of a child
 * workflow).
 */
export async function planEmbedding(store: Store, request: PlanRequest): Promise<EmbeddingPlan> {
  const { datasetId, modelKey, signal } = request;
  const onlyFailedOf = await retryOfFailures(store, request);
  const [indexed, vectors] = await Promise.all([
    countSamples(store, datasetId, 'indexed'),
    countVectors(store, { datasetId, modelKey }, 1),
  ]);
  const chunkSamples = Math.max(MIN_CHUNK, Math.ceil(indexed / MAX_CHUNKS));
  const seqs =
    vectors === 0 && onlyFailedOf === undefined
      ? // The index alone answers if the model has no vector yet.
        indexedSeqs(store, datasetId)
      : lackingSeqs(store, { ...request, onlyFailedOf });

  const chunks: Chunk[] = [];
  let open: Chunk | undefined;
  for await (const seq of seqs) {
    if (open === undefined || open[2] === chunkSamples) {
      signal.throwIfAborted();
      request.onScan(seq);
      open = [seq, seq + 1, 0];
      chunks.push(open);
    }
    open[1] = seq + 1;
    open[2] += 1;
  }
  return { total: sum(chunks), shards: shardsOf(chunks, chunkSamples) };
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

function shardsOf(chunks: Chunk[], chunkSamples: number): Shard[] {
  const perShard = Math.max(1, Math.floor(SHARD_SAMPLES / chunkSamples));
  const shards: Shard[] = [];
  for (let at = 0; at < chunks.length; at += perShard) {
    const own = chunks.slice(at, at + perShard);
    shards.push({ total: sum(own), chunks: own });
  }
  return shards;
}

const sum = (chunks: readonly Chunk[]) => chunks.reduce((total, [, , count]) => total + count, 0);

/**
 * Creates the counts of a plan's chunks, all at 0, unless the job is over. One transaction covers the counts and the
 * job's record, so a job's end either removes the counts or prevents them. A chunk only raises an existing count, so it
 * leaves nothing after its job has ended. A repeated call changes nothing.
 *
 * @throws UserError Superseded
 */
export async function openChunks(store: Store, jobId: string, { shards }: EmbeddingPlan): Promise<void> {
  const chunks = shards.flatMap((shard) => shard.chunks).map(([chunk, , total]) => ({ chunk, total }));
  await inTransaction(store, async (session) => {
    if (!(await touchOpenJob(store, jobId, 'embedding', session)))
      throw new UserError('Superseded', `Job ${jobId} has ended; nothing more is embedded.`);
    if (chunks.length > 0) await insertChunkProgress(store, jobId, chunks, session);
  });
}
