import type { FindCursor, Timestamp } from 'mongodb';
import { type ClusterTime, LOCAL, writtenSince } from './cluster-time.ts';
import { collectionsOf } from './collections.ts';
import type { SampleDocument } from './documents.ts';
import { SAMPLE_INDEXES } from './prepare.ts';
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
