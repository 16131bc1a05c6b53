/** The chunks of documents, in the order of their documents. */
import { type ChunkText, chunkTextOf } from '../chunk-text.ts';
import { collectionsOf } from './collections.ts';
import type { SampleDocument } from './documents.ts';
import { SAMPLE_INDEXES } from './prepare.ts';
import type { Store } from './store.ts';

/** A chunk as it is stored. */
export interface StoredChunk extends ChunkText {
  seq: number;
  filepath: string;
  part: number;
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
  for await (const { seq, filepath, part, metadata } of found)
    yield { seq, filepath, part, ...chunkTextOf(metadata as unknown as ChunkText) };
}

/** How many chunks a dataset has. */
export const countChunks = (store: Store, datasetId: string): Promise<number> =>
  collectionsOf(store).samples.countDocuments({ dataset_id: datasetId, ...THERE });
