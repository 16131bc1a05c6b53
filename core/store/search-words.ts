import type { FindCursor, Timestamp } from 'mongodb';
import { type ClusterTime, LOCAL, writtenSince } from './cluster-time.ts';
import { collectionsOf } from './collections.ts';
import type { SampleDocument } from './documents.ts';
import { oneBatch } from './one-batch.ts';
import { SAMPLE_INDEXES } from './prepare.ts';
import { conditionOf, type SampleFilter } from './search-samples.ts';
import { slicesOf } from './slices.ts';
import type { Store } from './store.ts';

/** The words of a sample as `packWords` gives them, and the time of their write. */
export interface StoredWords {
  seq: number;
  words: Uint8Array;
  written: Timestamp;
}

/**
 * The words of a dataset's samples that were written since a time, or of all, in the order of their writes. The caller
 * closes the cursor. Words of the last ten seconds before that time are found once more.
 */
export function wordsSince(store: Store, datasetId: string, since: ClusterTime | undefined): FindCursor<StoredWords> {
  return collectionsOf(store)
    .samples.find(
      { dataset_id: datasetId, words_written: since === undefined ? { $exists: true } : writtenSince(since) },
      { readConcern: LOCAL, hint: SAMPLE_INDEXES.words, batchSize: 2000 },
    )
    .project<Pick<SampleDocument, 'seq' | 'words' | 'words_written'>>({ _id: 0, seq: 1, words: 1, words_written: 1 })
    .map(({ seq, words, words_written }) => ({
      seq,
      words: words?.buffer.subarray(0, words.position) ?? new Uint8Array(),
      written: words_written as Timestamp,
    }));
}

/** Whether any sample of a dataset has words. */
export async function hasWords(store: Store, datasetId: string): Promise<boolean> {
  const found = await collectionsOf(store).samples.findOne(
    { dataset_id: datasetId, words_written: { $exists: true } },
    { projection: { _id: 1 }, hint: SAMPLE_INDEXES.words },
  );
  return found !== null;
}

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
