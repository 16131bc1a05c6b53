import type { ObjectId } from 'mongodb';
import type { Store } from '../store/store.ts';

/** A sample that has no vector of a model for its file as it is now. */
export interface LackingSample {
  _id: ObjectId;
  seq: number;
  filepath: string;
  filepath_bytes?: { buffer: Uint8Array };
  fingerprint: string;
  /** A vector of an earlier version of the file is stored. */
  stale: boolean;
  /** An earlier attempt to embed it failed. */
  failedBefore: boolean;
}

export interface SeqRange {
  datasetId: string;
  modelKey: string;
  /** First seq, inclusive. */
  from: number;
  /** Last seq, exclusive. */
  to: number;
  /** Only samples that could not be embedded before, and those that this load has indexed. */
  onlyFailedOf?: string | undefined;
  /** Called after every few thousand samples looked at, lacking or not. */
  onScan: (seq: number) => void;
  signal: AbortSignal;
}

const SCAN_STEP = 5000;

/**
 * The work of the embedding phase is what the database lacks, so a resume, a retry and an incremental load are the same
 * question. Yields in seq order; memory stays bounded however long the range is.
 */
export async function* lackingSamples(
  store: Store,
  { datasetId, modelKey, from, to, onlyFailedOf, onScan, signal }: SeqRange,
): AsyncGenerator<LackingSample> {
  const samples = store.samples
    .find(
      { dataset_id: datasetId, status: 'indexed', seq: { $gte: from, $lt: to } },
      {
        projection: { seq: 1, filepath: 1, filepath_bytes: 1, 'source.fingerprint': 1, 'error.stage': 1, job_id: 1 },
        batchSize: 5000,
      },
    )
    .sort({ seq: 1 });
  const vectors = store.embeddings
    .find(
      { dataset_id: datasetId, model_key: modelKey, seq: { $gte: from, $lt: to } },
      { projection: { _id: 0, seq: 1, source_fingerprint: 1 }, batchSize: 5000 },
    )
    .sort({ seq: 1 });
  try {
    let vector = await vectors.next();
    let scanned = 0;
    for await (const sample of samples) {
      scanned += 1;
      if (scanned % SCAN_STEP === 0) {
        signal.throwIfAborted();
        onScan(sample.seq);
      }
      if (onlyFailedOf !== undefined && sample.error?.stage !== 'embedding' && sample.job_id !== onlyFailedOf) continue;
      while (vector !== null && vector.seq < sample.seq) vector = await vectors.next();
      const stored = vector?.seq === sample.seq ? vector.source_fingerprint : undefined;
      const { fingerprint } = sample.source;
      if (stored === fingerprint) continue;
      yield {
        _id: sample._id,
        seq: sample.seq,
        filepath: sample.filepath,
        ...(sample.filepath_bytes ? { filepath_bytes: sample.filepath_bytes } : {}),
        fingerprint,
        stale: stored !== undefined,
        failedBefore: sample.error !== undefined,
      };
    }
  } finally {
    await Promise.all([samples.close(), vectors.close()]);
  }
}
