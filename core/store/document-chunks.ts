/** The chunks of documents, in the order of their documents. */
import { collectionsOf } from './collections.ts';
import type { SampleDocument } from './documents.ts';
import { SAMPLE_INDEXES } from './prepare.ts';
import type { Store } from './store.ts';

/** A chunk as it is stored. */
export interface StoredChunk {
  seq: number;
  filepath: string;
  part: number;
  headings: string[];
  page?: number;
  record?: number;
  start: number;
  end: number;
  text: string;
}

const THERE = { status: 'indexed', 'metadata.text': { $exists: true } } as const;

/** All chunks of a dataset whose documents hold them now, by path and part. */
export async function* chunksOf(store: Store, datasetId: string): AsyncGenerator<StoredChunk> {
  const found = collectionsOf(store)
    .samples.find({ dataset_id: datasetId, ...THERE }, { hint: SAMPLE_INDEXES.path, batchSize: 1000 })
    .project<Pick<SampleDocument, 'seq' | 'filepath' | 'part' | 'metadata'>>({
      _id: 0,
      seq: 1,
      filepath: 1,
      part: 1,
      metadata: 1,
    })
    .sort({ filepath: 1, part: 1 });
  for await (const { seq, filepath, part, metadata } of found) {
    const { headings, page, record, start, end, text } = metadata as unknown as Omit<
      StoredChunk,
      'seq' | 'filepath' | 'part'
    >;
    yield {
      seq,
      filepath,
      part,
      headings,
      ...(page === undefined ? {} : { page }),
      ...(record === undefined ? {} : { record }),
      start,
      end,
      text,
    };
  }
}

/** How many chunks a dataset has. */
export const countChunks = (store: Store, datasetId: string): Promise<number> =>
  collectionsOf(store).samples.countDocuments({ dataset_id: datasetId, ...THERE });
