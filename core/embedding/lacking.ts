import type { ObjectId } from 'mongodb';
import { type FileRef, fileOfSample } from '../sources/files.ts';
import { vectorVersions } from '../store/embeddings.ts';
import { versionOf } from '../store/sample-version.ts';
import { samplesToEmbed } from '../store/samples.ts';
import type { Store } from '../store/store.ts';

/** A sample that has no vector of a model for its current content. */
export interface LackingSample {
  _id: ObjectId;
  seq: number;
  file: FileRef;
  /** The hash of the encoded content, if indexing knows it. */
  content?: string;
  version: string;
  /** How long it is for a model, if its medium says so. */
  length?: number;
  /** A vector of an earlier version is stored. */
  stale: boolean;
  /** An earlier attempt to embed it failed. */
  failedBefore: boolean;
}

/** A range of samples to scan for missing vectors of a model. */
export interface SeqRange {
  datasetId: string;
  modelKey: string;
  /** First seq, inclusive. */
  from: number;
  /** Last seq, exclusive. */
  to: number;
  /** Limits the range to samples that failed to embed before and samples that this job indexed. */
  onlyFailedOf?: string | undefined;
  /** The field of the metadata that holds a sample's length. Without it, samples have none. */
  length?: string | undefined;
  /** Called after every few thousand scanned samples, lacking or not. */
  onScan: (seq: number) => void;
  signal: AbortSignal;
}

const SCAN_STEP = 5000;

/**
 * Yields the samples of a range that lack a vector, in seq order. The work of the embedding phase is what the database
 * lacks, so a resume, a retry and an incremental load are one query. Memory stays bounded for any range.
 */
export async function* lackingSamples(
  store: Store,
  { datasetId, modelKey, from, to, onlyFailedOf, length: field, onScan, signal }: SeqRange,
): AsyncGenerator<LackingSample> {
  const samples = samplesToEmbed(store, { datasetId, from, to, field });
  const vectors = vectorVersions(store, { datasetId, modelKey }, from, to);
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
      const stored = vector?.seq === sample.seq ? vector.version : undefined;
      const version = versionOf(sample);
      if (stored === version) continue;
      const length = field === undefined ? undefined : sample.metadata?.[field];
      yield {
        _id: sample._id,
        seq: sample.seq,
        file: fileOfSample(sample),
        ...(sample.content === undefined ? {} : { content: sample.content }),
        version,
        ...(typeof length === 'number' ? { length } : {}),
        stale: stored !== undefined,
        failedBefore: sample.error !== undefined,
      };
    }
  } finally {
    await Promise.all([samples.close(), vectors.close()]);
  }
}

/** Whether any sample of a dataset lacks a vector of the model. */
export async function lacksAny(store: Store, scan: Omit<SeqRange, 'from' | 'to'>): Promise<boolean> {
  for await (const _ of lackingSamples(store, { ...scan, from: 0, to: Number.MAX_SAFE_INTEGER })) return true;
  return false;
}
