import { createHash } from 'node:crypto';
import { unlessAborted } from '../concurrency/abort.ts';
import { UserError } from '../errors.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { Medium } from '../media/medium.ts';
import { FileUnavailableError, type Source, type Sources } from '../sources/source.ts';
import { findVectorsByContent, type NewVector, removeVectorsOf, writeVectors } from '../store/embeddings.ts';
import { jobEnded } from '../store/job-errors.ts';
import { type ChunkCount, findProgress, raiseProgress } from '../store/progress.ts';
import { areThere, existingSamples, metadataOf, writeEmbeddingErrors } from '../store/samples.ts';
import type { Store } from '../store/store.ts';
import { batchesOf } from './batches.ts';
import type { Embedder, EmbedItem, EmbedOutcome } from './embedder.ts';
import { type LackingSample, lackingSamples } from './lacking.ts';
import type { Chunk } from './plan.ts';
import { readRetryScope } from './retry-scope.ts';

/** The dependencies of embedding a chunk. */
export interface EmbedEquipment {
  embedder: Embedder;
  medium: Medium;
  sources: Sources;
  /** The task queue's limiter. Each batch needs its permission to run on the device. */
  limiter: Limiter;
}

/** A request to embed one chunk of a job's plan. */
export interface EmbedChunkRequest {
  jobId: string;
  datasetId: string;
  /** The model, as the caller named it. */
  model: string;
  /** The model's key when the phase began. */
  modelKey: string;
  /** True for a retry, whose plan has recorded what to embed. */
  onlyFailed?: boolean | undefined;
  chunk: Chunk;
  /** Called after each database write. */
  onWrite: (count: EmbedChunkResult) => void;
  /** Called whenever the device or the database makes progress, with this chunk or with another. */
  onSignOfLife: () => void;
  signal: AbortSignal;
}

/** Samples of the chunk that have a vector, that failed, and that reused a vector. */
export type EmbedChunkResult = Required<ChunkCount>;

const REVISION = /@[0-9a-f]{12}$/;

/** Batches given to each encoder process at once: one runs and two are prepared. */
const BATCHES_AHEAD = 3;

/**
 * Computes and stores the vectors that a chunk lacks. A sample reuses an existing vector of equal content in the same
 * dataset and model. Vectors that an earlier attempt stored are not computed again; a crash loses the batches in
 * progress. An abort still stores the batch on the device, and abandons the others.
 *
 * @throws UserError ModelChanged when the model's files differ from those that the phase began with.
 * @throws UserError Superseded when the job has ended or was reset.
 */
export async function embedChunk(
  store: Store,
  equipment: EmbedEquipment,
  request: EmbedChunkRequest,
): Promise<EmbedChunkResult> {
  const { embedder, medium } = equipment;
  const { datasetId, jobId, modelKey, signal, onSignOfLife } = request;
  const [from, to, total] = request.chunk;
  const named = `${request.model.replace(REVISION, '')}@${modelKey.slice(modelKey.lastIndexOf('@') + 1)}`;
  const model = await embedder.open(named, medium);
  if (model.key !== modelKey) {
    throw new UserError(
      'ModelChanged',
      `The model is now ${model.key}; this phase began with ${modelKey}. Start the embedding again.`,
    );
  }

  onSignOfLife();
  const reference = { jobId, phase: 'embedding', chunk: from } as const;
  const earlier = await findProgress(store, reference);
  if (earlier === undefined) throw jobEnded(jobId);
  const chunk = { ...reference, opened: earlier.opened };
  const note = async (count: EmbedChunkResult) => {
    // Samples that were indexed after the plan are embedded too. They must not raise the count above its total.
    const shown = { ...count, done: Math.min(count.done, total - Math.min(count.failed, total)) };
    if (!(await raiseProgress(store, chunk, shown))) throw jobEnded(jobId);
  };

  const onlyFailed = request.onlyFailed && (await readRetryScope(store, jobId)) === 'failed';
  const lacking = await Array.fromAsync(
    lackingSamples(store, {
      datasetId,
      modelKey,
      from,
      to,
      onlyFailedOf: onlyFailed ? jobId : undefined,
      length: medium.length,
      onScan: onSignOfLife,
      signal,
    }),
  );
  const done = Math.max(0, total - lacking.length);
  // Vectors that an earlier attempt reused are part of `done`.
  const count: EmbedChunkResult = { done, failed: 0, reused: Math.min(earlier.reused ?? 0, done) };

  const batches = batchesOf(lacking, model.batchSize);
  // Separate from the caller's signal, so that the batch on the device is still stored.
  const rest = new AbortController();
  let permitted = Promise.resolve();
  const start = (batch: LackingSample[]) => {
    // Batches are stored in order. A later one that was read sooner must not take the limit's permission before.
    const before = permitted;
    const { promise, resolve } = Promise.withResolvers<void>();
    permitted = promise;
    const turn = { before, end: resolve };
    return settled(embedBatch(store, equipment, { request, named, batch, turn, signal: rest.signal }).finally(resolve));
  };
  const ahead = BATCHES_AHEAD * (model.devices ?? 1);
  const underWay = batches.slice(0, ahead).map(start);
  try {
    for (const [i, batch] of batches.entries()) {
      signal.throwIfAborted();
      const embedded = await unwrap(underWay.shift());
      const next = batches[i + ahead];
      if (next !== undefined && !signal.aborted) underWay.push(start(next));
      const { failed, reused } = await writeBatch(store, request, batch, embedded);
      count.failed += failed;
      count.reused += reused;
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

/** Outcomes of a batch, and the stored vectors that it reuses. */
interface EmbeddedBatch {
  outcomes: EmbedOutcome[];
  known: ReadonlyMap<string, Float32Array>;
}

async function embedBatch(
  store: Store,
  { embedder, medium, sources, limiter }: EmbedEquipment,
  {
    request,
    named,
    batch,
    turn,
    signal,
  }: {
    request: EmbedChunkRequest;
    named: string;
    batch: LackingSample[];
    /** The batch's place in the order of permissions. */
    turn: { before: Promise<void>; end: () => void };
    signal: AbortSignal;
  },
): Promise<EmbeddedBatch> {
  const { datasetId, modelKey, onSignOfLife } = request;
  let known: ReadonlyMap<string, Float32Array> = new Map();
  const items = await itemsFor(store, medium, sources, batch);
  const outcomes = items.map((item) => ('error' in item ? item : undefined));
  const toEmbed = items.filter((item): item is EmbedItem => !('error' in item));
  const embedded = await embedder.embed(named, medium, toEmbed, {
    signal,
    onSignOfLife,
    async findKnown(contents) {
      known = await findVectorsByContent(store, { datasetId, modelKey }, contents);
      await unlessAborted(turn.before, signal);
      const fresh = contents.filter((content) => !known.has(content)).length;
      // A batch that is abandoned with the others must not wait, nor use up the limit.
      await limiter.take(fresh, { signal: AbortSignal.any([signal, request.signal]), onWait: onSignOfLife });
      turn.end();
      return new Set(known.keys());
    },
  });
  let next = 0;
  return { outcomes: outcomes.map((outcome) => outcome ?? (embedded[next++] as EmbedOutcome)), known };
}

type Unavailable = Extract<EmbedOutcome, { error: unknown }>;

/** The encoder's input for each sample. Files that the encoder process can't open are read here. */
async function itemsFor(
  store: Store,
  medium: Medium,
  sources: Sources,
  batch: readonly LackingSample[],
): Promise<(EmbedItem | Unavailable)[]> {
  if (medium.encodes !== 'file') {
    const ids = batch.map(({ _id }) => _id);
    const metadata = await metadataOf(store, ids, medium.encodes);
    return batch.map(({ _id }) => {
      const found = metadata.get(_id.toHexString());
      if (found === undefined) return { error: { code: 'file_not_found', message: 'the sample was removed' } };
      // The hash is read together with the metadata, which a load may have changed since the chunk was planned.
      return { value: found.metadata, content: found.content ?? hashOf(found.metadata) };
    });
  }
  return Promise.all(
    batch.map(({ file }) => {
      const source = sources.of(file.path);
      const path = source.localPath?.(file);
      return path === undefined ? readBytes(source, file) : { path };
    }),
  );
}

/** Reads a file whole. Whatever goes wrong with it is its own failure, never the batch's. */
async function readBytes(source: Source, file: LackingSample['file']): Promise<EmbedItem | Unavailable> {
  try {
    const open = await source.open(file);
    try {
      return { bytes: new Uint8Array(await new Response(open.stream()).arrayBuffer()) };
    } catch (error) {
      await open.close().catch(() => undefined);
      throw error;
    }
  } catch (error) {
    const code = error instanceof FileUnavailableError ? error.code : 'io_error';
    return { error: { code, message: (error as Error).message } };
  }
}

const hashOf = (metadata: unknown) =>
  createHash('sha256')
    .update(JSON.stringify(metadata) ?? '')
    .digest('hex');

type Settled<T> = { value: T } | { error: unknown };

/**
 * Keeps the error as a value: a batch may fail while an earlier one is awaited, before anything handles its rejection.
 */
const settled = <T>(promise: Promise<T>): Promise<Settled<T>> =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

async function unwrap<T>(pending: Promise<Settled<T>> | undefined): Promise<T> {
  const result = await pending;
  if (result === undefined) throw new Error('No batch is under way.');
  if ('error' in result) throw result.error;
  return result.value;
}

/** Stores the vectors and errors of a batch. Returns how many samples failed, and how many reused a stored vector. */
async function writeBatch(
  store: Store,
  { datasetId, modelKey }: EmbedChunkRequest,
  batch: readonly LackingSample[],
  { outcomes, known }: EmbeddedBatch,
): Promise<{ failed: number; reused: number }> {
  const set = { datasetId, modelKey };
  const vectors: NewVector[] = [];
  const failures: Parameters<typeof writeEmbeddingErrors>[1][number][] = [];
  const recovered: LackingSample['_id'][] = [];
  let reused = 0;
  for (const [i, sample] of batch.entries()) {
    const { _id, seq, stale, failedBefore } = sample;
    const outcome = outcomes[i] as EmbedOutcome;
    if ('error' in outcome) {
      failures.push({ _id, error: outcome.error });
      continue;
    }
    const { content } = outcome;
    const vector = 'vector' in outcome ? outcome.vector : known.get(content);
    if (vector === undefined)
      throw new Error(`The embedder skipped content ${content} as known, but it has no stored vector.`);
    if (!('vector' in outcome)) reused += 1;
    // An item that indexing has hashed is known by its hash: the one that was encoded.
    const version = sample.content === undefined ? sample.version : content;
    vectors.push({ seq, sampleId: _id, vector, content, version, isStale: stale });
    if (failedBefore) recovered.push(_id);
  }
  await writeVectors(store, set, vectors);
  await writeEmbeddingErrors(store, failures, recovered);
  await removeOrphanVectors(store, set, batch);
  return { failed: failures.length, reused };
}

/**
 * Removes the vectors of samples that were pruned or deleted meanwhile. A removal deletes samples first and then their
 * vectors once more, so either the removal or this check sees the other's write.
 */
async function removeOrphanVectors(
  store: Store,
  set: { datasetId: string; modelKey: string },
  batch: readonly LackingSample[],
): Promise<void> {
  const ids = batch.map(({ _id }) => _id);
  if (await areThere(store, ids)) return;
  const there = await existingSamples(store, ids);
  await removeVectorsOf(
    store,
    set,
    batch.filter(({ _id }) => !there.has(_id.toHexString())),
  );
}
