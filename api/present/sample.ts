import { createHash } from 'node:crypto';
import type { RecordedError } from '../../contract/job.ts';
import type { SampleDocument } from '../../core/store/documents.ts';
import type { Sample } from '../schemas/samples.ts';
import type { Scope } from '../schemas/server.ts';
import { shownPath, withoutPaths } from './paths.ts';

/** Presents a sample to a caller of a scope. */
export function presentSample(sample: SampleDocument, sources: readonly string[], scope: Scope): Sample {
  const { seq, filepath, status, source, metadata, tags, split, annotations, error, job_id } = sample;
  const messageOf = ({ message }: RecordedError) => (scope === 'operate' ? message : withoutPaths(message, sources));
  return {
    seq,
    id: sample._id.toHexString(),
    path: shownPath(filepath, sources),
    filepath: scope === 'operate' ? filepath : null,
    status,
    size_bytes: source.size_bytes,
    metadata: (metadata as Sample['metadata'] | undefined) ?? null,
    tags,
    split: split ?? null,
    ...(annotations === undefined ? {} : { annotations: presentAnnotations(annotations) }),
    error: error === undefined ? null : { ...error, message: messageOf(error), at: error.at.toISOString() },
    version: versionOf(sample),
    job_id,
    created_at: sample.created_at.toISOString(),
    last_modified_at: sample.last_modified_at.toISOString(),
  };
}

/** A version that changes with the file and its place, and reveals nothing about them. */
export function versionOf({ _id, source, filepath }: Pick<SampleDocument, '_id' | 'source' | 'filepath'>): string {
  const state = [_id.toHexString(), source.fingerprint, source.reread_by ?? '', filepath].join('/');
  return createHash('sha256').update(state).digest('base64url').slice(0, 16);
}

/** The annotations of each field: what all its paths say. */
export const presentAnnotations = (annotations: NonNullable<SampleDocument['annotations']>): Sample['annotations'] =>
  Object.fromEntries(
    Object.entries(annotations).map(([field, { sets }]) => [
      field,
      Object.values(sets).flatMap(({ objects }) => objects),
    ]),
  );
