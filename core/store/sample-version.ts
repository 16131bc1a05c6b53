import type { EmbeddingDocument, SampleDocument } from './documents.ts';

/**
 * The version that a vector must match: the item's hash if indexing knows it, so moving an item costs nothing;
 * otherwise its file's fingerprint and its last rereading. A vector may match even if these changed: the encoder finds
 * out when it reads the file.
 */
export const versionOf = ({
  content,
  source,
}: {
  content?: string | undefined;
  source: Pick<SampleDocument['source'], 'fingerprint' | 'reread_by'>;
}): string => content ?? [source.fingerprint, ...(source.reread_by === undefined ? [] : [source.reread_by])].join('/');

/** The fields that tell whether a vector is of a sample. */
type Embedded = Parameters<typeof versionOf>[0] & Pick<SampleDocument, '_id'>;

/** Whether a vector was made of what a sample holds now. */
export const isVectorOf = (
  sample: Embedded,
  { sample_id, version }: Pick<EmbeddingDocument, 'sample_id' | 'version'>,
): boolean => sample._id.equals(sample_id) && versionOf(sample) === version;
