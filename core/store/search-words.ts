import type { Binary, FindCursor, Timestamp } from 'mongodb';
import { type ClusterTime, LOCAL, readAt, type Write, writtenSince } from './cluster-time.ts';
import { collectionsOf } from './collections.ts';
import type { SampleDocument } from './documents.ts';
import { oneBatch } from './one-batch.ts';
import { SAMPLE_INDEXES } from './prepare.ts';
import { conditionOf, type SampleFilter } from './search-samples.ts';
import { slicesOf } from './slices.ts';
import type { Store } from './store.ts';

/** The words of a sample as `packWords` gives them. */
export interface StoredWords {
  seq: number;
  words: Uint8Array;
}

/**
 * Finds the samples of a dataset whose words were written since a time, in the order of these writes, and the time of
 * this look. Words of the last ten seconds before that time are found once more.
 */
export async function wordsWrittenSince(
  store: Store,
  datasetId: string,
  since: ClusterTime,
): Promise<{ found: Write[]; at: ClusterTime }> {
  const { found, at } = await readAt(store, (session) =>
    collectionsOf(store)
      .samples.find(
        { dataset_id: datasetId, words_written: writtenSince(since) },
        { session, readConcern: LOCAL, hint: SAMPLE_INDEXES.words, batchSize: 50_000 },
      )
      .project<{ seq: number; words_written: Timestamp }>({ _id: 0, seq: 1, words_written: 1 })
      .map(({ seq, words_written }): Write => ({ seq, written: words_written.toString() }))
      .toArray(),
  );
  return { found, at: at ?? since };
}

/** The words of all samples of a dataset that have any, with the times of their writes. The caller closes the cursor. */
export function allWords(store: Store, datasetId: string): FindCursor<StoredWords & { written: Timestamp }> {
  return collectionsOf(store)
    .samples.find(
      { dataset_id: datasetId, words_written: { $exists: true } },
      { readConcern: LOCAL, hint: SAMPLE_INDEXES.words, batchSize: 2000 },
    )
    .project<{ seq: number; words: Binary; words_written: Timestamp }>({ _id: 0, seq: 1, words: 1, words_written: 1 })
    .map(({ seq, words, words_written }) => ({ seq, words: bytesOf(words), written: words_written }));
}

/** The words of these seqs, in no order. Seqs of samples without words are left out. */
export async function wordsOfSeqs(store: Store, datasetId: string, seqs: readonly number[]): Promise<StoredWords[]> {
  if (seqs.length === 0) return [];
  return collectionsOf(store)
    .samples.find(
      { dataset_id: datasetId, seq: { $in: [...seqs] }, words: { $exists: true } },
      { readConcern: LOCAL, hint: SAMPLE_INDEXES.seq, ...oneBatch(seqs.length) },
    )
    .project<{ seq: number; words: Binary }>({ _id: 0, seq: 1, words: 1 })
    .map(({ seq, words }) => ({ seq, words: bytesOf(words) }))
    .toArray();
}

const bytesOf = ({ buffer, position }: Binary): Uint8Array => buffer.subarray(0, position);

/** The paths of those of these samples that are there and match the filter, by seq. */
export async function textsThere(
  store: Store,
  datasetId: string,
  seqs: readonly number[],
  filter: SampleFilter | undefined,
): Promise<Map<number, string>> {
  const paths = new Map<number, string>();
  for (const slice of slicesOf(seqs, SEQS_A_QUERY)) {
    const found = await collectionsOf(store)
      .samples.find(
        {
          $and: [{ dataset_id: datasetId, seq: { $in: slice }, status: 'indexed' }, conditionOf(filter ?? {})],
        },
        { readConcern: LOCAL, hint: SAMPLE_INDEXES.seq, ...oneBatch(slice.length) },
      )
      .project<Pick<SampleDocument, 'seq' | 'filepath'>>({ _id: 0, seq: 1, filepath: 1 })
      .toArray();
    for (const { seq, filepath } of found) paths.set(seq, filepath);
  }
  return paths;
}

const SEQS_A_QUERY = 5000;
