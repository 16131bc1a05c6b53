import { createHash } from 'node:crypto';
import type { ImportedStatus } from '../../contract/imported.ts';
import { UserError } from '../errors.ts';
import { datasetDeletedMeanwhile } from '../store/dataset-errors.ts';
import { findDataset } from '../store/datasets.ts';
import type { ImportPosition } from '../store/documents.ts';
import { dimensionOf, type NewVector, removeVectorsOf, vectorModels, writeVectors } from '../store/embeddings.ts';
import { countImported, noteImport, type SampleToImport, type StoredVector, storedVectors } from '../store/imports.ts';
import { jobEnded } from '../store/job-errors.ts';
import { findJob } from '../store/jobs.ts';
import { isVectorOf, versionOf } from '../store/sample-version.ts';
import { areThere, existingSamples } from '../store/samples.ts';
import type { Store } from '../store/store.ts';
import { addInvalid, addUnknown, firstCounts } from './counts.ts';
import { findSamples } from './find-samples.ts';
import { unitVector } from './unit-vector.ts';
import { unreadable } from './vector-file.ts';
import { MAX_DIM, type RowProblem, type VectorReader, type VectorRow } from './vector-row.ts';

export interface ImportRequest {
  jobId: string;
  datasetId: string;
  modelKey: string;
  path: string;
  reader: VectorReader;
  /** Called after each step. */
  onStep: () => void;
  signal: AbortSignal;
}

/** The record holds the position, and shows the progress, this often. */
const NOTE_EVERY_MS = 1000;

/**
 * Gives the samples of a dataset the vectors of a file. An attempt after a crash goes on at the position that the job's
 * record holds; what was written after it is written again, which changes nothing.
 *
 * @throws UserError VectorsUnreadable if the file has changed since its reading began
 * @throws UserError InvalidInput if the model has vectors of another length, before anything is written
 * @throws UserError Superseded when the job has ended
 */
export async function importVectors(store: Store, request: ImportRequest): Promise<ImportedStatus> {
  const { jobId, datasetId, modelKey, path, reader, onStep, signal } = request;
  const before = await findJob(store, jobId);
  const isResumed = before?.import_position !== undefined;
  const {
    cursor,
    dim: settled,
    fingerprint,
  } = before?.import_position ?? {
    cursor: { rows: 0 },
    dim: undefined,
    fingerprint: reader.fingerprint,
  };
  if (fingerprint !== reader.fingerprint) throw unreadable(path, 'it was changed while it was read: import it again');
  const status: ImportedStatus = before?.imported ?? firstCounts(path, reader.total);
  const stored = await dimensionOf(store, { datasetId, modelKey });
  let dim = settled ?? stored;
  if (settled === undefined && stored !== undefined && reader.dim !== undefined && reader.dim !== stored)
    throw otherLength(request, reader.dim, stored);

  let position: ImportPosition = { cursor, fingerprint };
  let notedAt = Number.NEGATIVE_INFINITY;
  const note = async () => {
    notedAt = performance.now();
    if (!(await noteImport(store, jobId, status, position))) throw jobEnded(jobId);
  };
  await note();
  const models = [...new Set([modelKey, ...(await vectorModels(store, datasetId))])];
  for await (const step of reader.read(cursor)) {
    signal.throwIfAborted();
    const vectors = step.rows.map(vectorOf);
    const lengths = vectors.flatMap((vector) => (vector instanceof Float32Array ? vector.length : []));
    // One stray row settles nothing: the file is of another model if none of its first rows fits.
    if (position.dim === undefined && dim !== undefined && lengths.length > 0 && !lengths.includes(dim))
      throw otherLength(request, lengths[0] as number, dim);
    dim ??= lengths[0];
    await writeStep(store, request, status, { rows: step.rows, vectors, dim, models });
    status.rows = step.cursor.rows;
    position = { cursor: step.cursor, fingerprint, ...(dim === undefined ? {} : { dim }) };
    onStep();
    if (performance.now() - notedAt >= NOTE_EVERY_MS) await note();
  }
  status.total = status.rows;
  // What was written after the last note was counted twice as a first vector, or never as a repeated one.
  if (isResumed) {
    const rows = status.vectors + status.repeated;
    status.vectors = await countImported(store, { datasetId, modelKey }, jobId);
    status.repeated = rows - status.vectors;
  }
  await note();
  return status;
}

const otherLength = ({ datasetId, modelKey, path }: ImportRequest, found: number, stored: number) =>
  new UserError(
    'InvalidInput',
    `model_key: ${modelKey} has vectors of ${stored} numbers in ${datasetId}, and ${path} has vectors of ${found}. ` +
      `Nothing was changed. Give them another key, or drop the others first: plimsoll models drop ${datasetId} ${modelKey}`,
    { fields: ['model_key'] },
  );

/** The vector of a row, or why it has none. */
function vectorOf({ problem, vector }: VectorRow): Float32Array | RowProblem {
  if (problem !== undefined) return problem;
  if (vector instanceof Float32Array || vector instanceof Float64Array)
    return lengthProblem(vector.length) ?? unitVector(vector);
  if (!Array.isArray(vector))
    return { reason: 'no_vector', message: vector == null ? 'It has no vector.' : 'Its vector is no list of numbers.' };
  const odd = vector.findIndex((each) => typeof each !== 'number');
  if (odd !== -1)
    return { reason: 'no_vector', message: `Number ${odd} of the vector is ${String(vector[odd]).slice(0, 100)}.` };
  return lengthProblem(vector.length) ?? unitVector(vector);
}

const lengthProblem = (length: number): RowProblem | undefined =>
  length >= 1 && length <= MAX_DIM
    ? undefined
    : { reason: 'wrong_length', message: `The vector has ${length} numbers, and 1 to ${MAX_DIM} may be.` };

interface Step {
  rows: readonly VectorRow[];
  vectors: readonly (Float32Array | RowProblem)[];
  dim: number | undefined;
  /** Keys of all models that have vectors in the dataset. */
  models: readonly string[];
}

/** A vector of a known sample. */
interface Placed {
  row: number;
  sample: SampleToImport;
  vector: Float32Array;
}

/** Writes the vectors of a step, and counts what became of its rows. */
async function writeStep(
  store: Store,
  { jobId, datasetId, modelKey }: ImportRequest,
  status: ImportedStatus,
  { rows, vectors, dim, models }: Step,
): Promise<void> {
  const dataset = await findDataset(store, datasetId);
  if (dataset === undefined || dataset.deleting !== undefined) throw datasetDeletedMeanwhile(datasetId);
  const valid: VectorRow[] = [];
  const ofValid: Float32Array[] = [];
  for (const [i, vector] of vectors.entries()) {
    const row = rows[i] as VectorRow;
    if (!(vector instanceof Float32Array)) addInvalid(status, row.row, vector);
    else if (vector.length !== dim)
      addInvalid(status, row.row, {
        reason: 'wrong_length',
        message: `The vector has ${vector.length} numbers, not ${dim}.`,
      });
    else {
      valid.push(row);
      ofValid.push(vector);
    }
  }
  const placed = new Map<number, Placed>();
  for (const [i, sample] of (await findSamples(store, { datasetId, roots: dataset.sources }, valid)).entries()) {
    const { row, seq, name } = valid[i] as VectorRow;
    if (sample === 'unknown') addUnknown(status, name ?? `seq ${seq}`);
    else if (sample === 'several')
      addInvalid(status, row, {
        reason: 'ambiguous',
        message: `${name} holds several samples, or is in several sources: name the sample by its seq, too.`,
      });
    else {
      if (placed.has(sample.seq)) status.repeated += 1;
      placed.set(sample.seq, { row, sample, vector: ofValid[i] as Float32Array });
    }
  }

  const seqs = [...placed.keys()];
  const stored = await storedVectors(store, { datasetId, models, seqs });
  const own = new Map(stored.filter(({ model_key }) => model_key === modelKey).map((each) => [each.seq, each]));
  const writes: NewVector[] = [];
  for (const { row, sample, vector } of placed.values()) {
    const before = own.get(sample.seq);
    const earlier = before?.imported?.job_id === jobId ? before.imported.row : undefined;
    // After a crash, rows are read again: a later one of the same sample may be stored already.
    if (earlier !== undefined && earlier !== row) status.repeated += 1;
    else status.vectors += 1;
    if (earlier !== undefined && earlier > row) continue;
    const { _id, seq } = sample;
    const content = contentOf(sample, stored);
    const imported = { job_id: jobId, row };
    writes.push({
      seq,
      sampleId: _id,
      vector,
      content,
      version: versionOf(sample),
      isStale: before !== undefined,
      imported,
    });
  }
  await writeVectors(store, { datasetId, modelKey }, writes);
  await removeOrphans(store, { datasetId, modelKey }, [...placed.values()]);
}

/**
 * The hash of what the vector is of, without reading the file: that of the item or of another model's vector of it. Where
 * nobody knows it, a hash that no other sample has: then no copy of the file takes this vector for its own.
 */
function contentOf(sample: SampleToImport, stored: readonly StoredVector[]): string {
  if (sample.content !== undefined) return sample.content;
  const known = stored.find(
    (each) => each.imported === undefined && each.seq === sample.seq && isVectorOf(sample, each),
  );
  if (known !== undefined) return known.content;
  return createHash('sha256')
    .update(`imported ${sample._id.toHexString()} ${versionOf(sample)}`)
    .digest('hex');
}

/** Removes the vectors of samples that were removed meanwhile, as an embedding does. */
async function removeOrphans(
  store: Store,
  set: { datasetId: string; modelKey: string },
  placed: readonly Placed[],
): Promise<void> {
  const ids = placed.map(({ sample }) => sample._id);
  if (ids.length === 0 || (await areThere(store, ids))) return;
  const there = await existingSamples(store, ids);
  const gone = placed.map(({ sample }) => sample).filter(({ _id }) => !there.has(_id.toHexString()));
  await removeVectorsOf(store, set, gone);
}
