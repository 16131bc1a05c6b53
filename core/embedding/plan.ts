import type { Store } from '../store/store.ts';
import { lackingSamples } from './lacking.ts';
import { findRecordedModel, findRetryScope, noteRetryScope } from './retry-scope.ts';

/** Seqs [from, to) that hold `count` samples without a vector. */
export type Chunk = [from: number, to: number, count: number];

export interface Shard {
  total: number;
  chunks: Chunk[];
}

/** References to the work, small enough for a workflow's history at ten million samples (4,096 chunks, 100 KB). */
export interface EmbeddingPlan {
  total: number;
  shards: Shard[];
}

const MIN_CHUNK = 512;
const MAX_CHUNKS = 4096;
const SHARD_SAMPLES = 50_000;

export interface PlanRequest {
  datasetId: string;
  modelKey: string;
  /** The retry that this is a phase of, if it is of one: it may embed less than what is lacking. */
  onlyFailedOf?: string | undefined;
  /** Called now and then while the dataset is scanned. */
  onScan: (seq: number) => void;
  signal: AbortSignal;
}

/** Cuts what a dataset lacks into chunks (the unit of retry) and chunks into shards (the unit of a child workflow). */
export async function planEmbedding(store: Store, request: PlanRequest): Promise<EmbeddingPlan> {
  const { datasetId, modelKey, signal } = request;
  const onlyFailedOf = await retryOfFailures(store, request);
  const dataset = { dataset_id: datasetId };
  const [indexed, vectors] = await Promise.all([
    store.samples.countDocuments({ ...dataset, status: 'indexed' }),
    store.embeddings.countDocuments({ ...dataset, model_key: modelKey }, { limit: 1 }),
  ]);
  const chunkSamples = Math.max(MIN_CHUNK, Math.ceil(indexed / MAX_CHUNKS));
  const seqs =
    vectors === 0 && onlyFailedOf === undefined
      ? allSeqs(store, datasetId)
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

/** The retry, if it embeds only what failed. */
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

/** Where the model has no vector yet, the index alone answers. */
async function* allSeqs(store: Store, datasetId: string): AsyncGenerator<number> {
  const cursor = store.samples
    .find({ dataset_id: datasetId, status: 'indexed' }, { projection: { _id: 0, seq: 1 }, batchSize: 20_000 })
    .sort({ seq: 1 });
  for await (const { seq } of cursor) yield seq;
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
