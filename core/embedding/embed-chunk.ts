import { type AnyBulkWriteOperation, Binary, ObjectId } from 'mongodb';
import { UserError } from '../errors.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { Embedder, EmbedOutcome } from '../models/embedder.ts';
import type { EmbeddingDocument, SampleDocument } from '../store/documents.ts';
import { progressId, raiseProgress } from '../store/progress.ts';
import { insertNew, type Store } from '../store/store.ts';
import { type LackingSample, lackingSamples } from './lacking.ts';
import type { Chunk } from './plan.ts';
import { readRetryScope } from './retry-scope.ts';

export interface EmbedChunkRequest {
  jobId: string;
  datasetId: string;
  /** As the caller named it. */
  model: string;
  /** As it was when the phase began. */
  modelKey: string;
  /** Of a retry: its plan has noted what it embeds. */
  onlyFailed?: boolean | undefined;
  chunk: Chunk;
  /** Of the task queue: each batch waits for its leave to go to the device. */
  limiter: Limiter;
  /** Called after each database write. */
  onWrite: (count: { done: number; failed: number }) => void;
  /** Called whenever the device or the database got on, with this chunk or with another. */
  onSignOfLife: () => void;
  signal: AbortSignal;
}

export interface EmbedChunkResult {
  done: number;
  failed: number;
}

const REVISION = /@[0-9a-f]{12}$/;

/** Batches handed to the device's process at a time: one runs, two are being decoded. */
const BATCHES_AHEAD = 3;

/**
 * Makes and stores the vectors that a chunk lacks. What an earlier attempt stored is not made again; a crash loses the
 * batches under way. Told to stop, it stores the batch that the device is at, and gives the others up.
 *
 * @throws UserError ModelChanged when the model's files differ from those that the phase began with.
 * @throws UserError Superseded when the job has ended: its workflow was terminated, and nobody hears of this.
 */
export async function embedChunk(
  store: Store,
  embedder: Embedder,
  request: EmbedChunkRequest,
): Promise<EmbedChunkResult> {
  const { datasetId, jobId, modelKey, limiter, signal, onSignOfLife } = request;
  const [from, to, total] = request.chunk;
  const named = `${request.model.replace(REVISION, '')}@${modelKey.slice(modelKey.lastIndexOf('@') + 1)}`;
  const model = await embedder.open(named);
  if (model.key !== modelKey) {
    throw new UserError(
      'ModelChanged',
      `The model is now ${model.key}; this phase began with ${modelKey}. Start the embedding again.`,
    );
  }

  onSignOfLife();
  const ended = () => new UserError('Superseded', `Job ${jobId} has ended; nothing more is embedded for it.`);
  const open = { _id: progressId(jobId, 'embedding', from) };
  if ((await store.progress.countDocuments(open)) === 0) throw ended();
  const note = async (count: EmbedChunkResult) => {
    if (!(await raiseProgress(store, { jobId, phase: 'embedding', chunk: from }, count))) throw ended();
  };

  const onlyFailed = request.onlyFailed && (await readRetryScope(store, jobId)) === 'failed';
  const lacking = await Array.fromAsync(
    lackingSamples(store, {
      datasetId,
      modelKey,
      from,
      to,
      onlyFailedOf: onlyFailed ? jobId : undefined,
      onScan: onSignOfLife,
      signal,
    }),
  );
  const count: EmbedChunkResult = { done: Math.max(0, total - lacking.length), failed: 0 };

  const batches: LackingSample[][] = [];
  for (let at = 0; at < lacking.length; at += model.batchSize) batches.push(lacking.slice(at, at + model.batchSize));
  // Not the caller's signal: the batch that the device is at is work done.
  const rest = new AbortController();
  const embed = async (batch: LackingSample[]) => {
    await limiter.take(batch.length, { signal, onWait: onSignOfLife });
    return embedder.embed(named, batch.map(imageOf), rest.signal, onSignOfLife);
  };
  const start = (batch: LackingSample[]) => settled(embed(batch));
  const under = batches.slice(0, BATCHES_AHEAD).map(start);
  try {
    for (const [i, batch] of batches.entries()) {
      signal.throwIfAborted();
      const outcomes = await unwrap(under.shift());
      const next = batches[i + BATCHES_AHEAD];
      if (next !== undefined && !signal.aborted) under.push(start(next));
      const failed = await writeVectors(store, request, batch, outcomes);
      count.failed += failed;
      count.done += batch.length - failed;
      await note(count);
      request.onWrite(count);
    }
  } finally {
    rest.abort();
  }
  await note(count);
  return count;
}

type Settled = { outcomes: EmbedOutcome[] } | { error: unknown };

/** A batch that fails while an earlier one is awaited must not be an unhandled rejection. */
const settled = (outcomes: Promise<EmbedOutcome[]>): Promise<Settled> =>
  outcomes.then(
    (value) => ({ outcomes: value }),
    (error: unknown) => ({ error }),
  );

async function unwrap(pending: Promise<Settled> | undefined): Promise<EmbedOutcome[]> {
  const result = await pending;
  if (result === undefined) throw new Error('No batch is under way.');
  if ('error' in result) throw result.error;
  return result.outcomes;
}

const imageOf = (sample: LackingSample) => ({
  path: sample.filepath_bytes ? Buffer.from(sample.filepath_bytes.buffer) : sample.filepath,
});

/** Returns how many of the batch failed. */
async function writeVectors(
  store: Store,
  request: EmbedChunkRequest,
  batch: LackingSample[],
  outcomes: EmbedOutcome[],
): Promise<number> {
  const { datasetId, modelKey } = request;
  const now = new Date();
  const inserts: EmbeddingDocument[] = [];
  const updates: AnyBulkWriteOperation<EmbeddingDocument>[] = [];
  const samples: AnyBulkWriteOperation<SampleDocument>[] = [];
  let failed = 0;
  for (const [i, sample] of batch.entries()) {
    const outcome = outcomes[i] as EmbedOutcome;
    if ('error' in outcome) {
      failed += 1;
      const error = { ...outcome.error, stage: 'embedding' as const, at: now };
      samples.push({ updateOne: { filter: { _id: sample._id }, update: { $set: { error, last_modified_at: now } } } });
      continue;
    }
    const vector: EmbeddingDocument = {
      _id: new ObjectId(),
      dataset_id: datasetId,
      seq: sample.seq,
      sample_id: sample._id,
      model_key: modelKey,
      dim: outcome.vector.length,
      vector: Binary.fromFloat32Array(outcome.vector),
      source_fingerprint: sample.fingerprint,
    };
    if (sample.stale) updates.push(replacementOf(vector));
    else inserts.push(vector);
    if (sample.failedBefore) {
      samples.push({
        updateOne: {
          filter: { _id: sample._id },
          update: { $unset: { error: true }, $set: { last_modified_at: now } },
        },
      });
    }
  }
  const repeated = await insertNew(store.embeddings, inserts);
  const replacements = [...updates, ...repeated.map(replacementOf)];
  if (replacements.length > 0) await store.embeddings.bulkWrite(replacements, { ordered: false });
  if (samples.length > 0) await store.samples.bulkWrite(samples, { ordered: false });
  await takeBackOrphans(store, request, batch);
  return failed;
}

/**
 * A sample that was pruned or deleted meanwhile must leave no vector. Who removes samples removes their vectors once more
 * after that, so one of the two sees what the other has done.
 */
async function takeBackOrphans(
  store: Store,
  { datasetId, modelKey }: EmbedChunkRequest,
  batch: LackingSample[],
): Promise<void> {
  const ids = batch.map(({ _id }) => _id);
  const there = await store.samples.find({ _id: { $in: ids } }, { projection: { _id: 1 } }).toArray();
  if (there.length === ids.length) return;
  const known = new Set(there.map(({ _id }) => _id.toHexString()));
  const gone = batch.filter(({ _id }) => !known.has(_id.toHexString()));
  await store.embeddings.deleteMany({
    dataset_id: datasetId,
    model_key: modelKey,
    seq: { $in: gone.map(({ seq }) => seq) },
    sample_id: { $in: gone.map(({ _id }) => _id) },
  });
}

function replacementOf({ _id, ...vector }: EmbeddingDocument): AnyBulkWriteOperation<EmbeddingDocument> {
  const { dataset_id, model_key, seq } = vector;
  return { updateOne: { filter: { dataset_id, model_key, seq }, update: { $set: vector } } };
}
