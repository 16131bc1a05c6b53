import type { ObjectId } from 'mongodb';
import { type FileRef, fileOfSample } from '../sources/files.ts';
import { vectorVersions } from '../store/embeddings.ts';
import { type SampleToEmbed, samplesToEmbed } from '../store/samples.ts';
import type { Store } from '../store/store.ts';

/** A sample that has no vector of a model for what it is now. */
export interface LackingSample {
  _id: ObjectId;
  seq: number;
  file: FileRef;
  /** The hash of what is encoded, where indexing knows it. */
  content?: string;
  version: string;
  /** A vector of an earlier version is stored. */
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
  /** Only samples that could not be embedded before, and those that this job has indexed. */
  onlyFailedOf?: string | undefined;
  /** Called after every few thousand samples looked at, lacking or not. */
  onScan: (seq: number) => void;
  signal: AbortSignal;
}

const SCAN_STEP = 5000;

/**
 * What a vector has to fit: the hash of the item where indexing knows it, so that moving an item costs nothing; else its file's
 * fingerprint. A vector whose file has another fingerprint now may still fit: the encoder finds out when it reads the file.
 */
export const versionOf = ({ content, source }: Pick<SampleToEmbed, 'content' | 'source'>): string =>
  content ?? source.fingerprint;

/**
 * The work of the embedding phase is what the database lacks, so a resume, a retry and an incremental load are the same
 * question. Yields in seq order; memory stays bounded however long the range is.
 */
export async function* lackingSamples(
  store: Store,
  { datasetId, modelKey, from, to, onlyFailedOf, onScan, signal }: SeqRange,
): AsyncGenerator<LackingSample> {
  const samples = samplesToEmbed(store, { datasetId, from, to });
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
      yield {
        _id: sample._id,
        seq: sample.seq,
        file: fileOfSample(sample),
        ...(sample.content === undefined ? {} : { content: sample.content }),
        version,
        stale: stored !== undefined,
        failedBefore: sample.error !== undefined,
      };
    }
  } finally {
    await Promise.all([samples.close(), vectors.close()]);
  }
}
