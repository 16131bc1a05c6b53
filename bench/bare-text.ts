/**
 * The floor of loading documents, in a process of its own: it reads, extracts, cuts and inserts chunks with their words,
 * then computes and inserts their vectors, one after the other, into the same mongod with the same indexes. It has no
 * retry, resume or progress, reads no text back, and builds no index to search.
 *
 *     node bench/bare-text.ts MONGODB_URI
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Binary, Long, ObjectId, Timestamp } from 'mongodb';
import { createChunker } from '../core/media/documents/chunk/chunk-document.ts';
import type { Chunking } from '../core/media/documents/chunk/chunking.ts';
import { extractDocument } from '../core/media/documents/extract/extract-document.ts';
import { hashedWords } from '../core/media/documents/hashed-words.ts';
import { itemsOfDocument } from '../core/media/documents/reader/items-of-document.ts';
import type { Item } from '../core/media/medium.ts';
import { normalize } from '../core/models/vectors.ts';
import { collectionsOf } from '../core/store/collections.ts';
import type { SampleDocument } from '../core/store/documents.ts';
import { writeVectors } from '../core/store/embeddings.ts';
import { openStore } from '../core/store/open.ts';
import { prepareDatabase } from '../core/store/prepare.ts';
import type { Store } from '../core/store/store.ts';
import { answerOrders } from './bare-process.ts';

export interface BareTextOrder {
  folder: string;
  chunks: number;
  chunking: Chunking;
}

/** Chunks, and vectors, of one insert. Plimsoll's inserts are as large. */
const BATCH = 1000;
const VECTORS = 256;
const DIM = 512;
/** A database beside Plimsoll's, in the same mongod. */
const DATABASE = 'floor';

if (import.meta.main) {
  const floor = new URL(process.argv[2] ?? '');
  floor.pathname = `/${DATABASE}`;
  const store = openStore(floor.href);
  answerOrders<BareTextOrder>(async (order) => {
    await store.client.db(DATABASE).dropDatabase();
    await prepareDatabase(store);
    const started = performance.now();
    const done = await load(store, order);
    const elapsedMs = performance.now() - started;
    if (done !== order.chunks) throw new Error(`${order.folder}: ${done} chunks, not ${order.chunks}`);
    await store.client.db(DATABASE).dropDatabase();
    return elapsedMs;
  });
}

async function load(store: Store, { folder, chunking }: BareTextOrder): Promise<number> {
  const chunk = await createChunker(chunking);
  let seq = 0;
  let samples: SampleDocument[] = [];
  const texts: { seq: number; sampleId: ObjectId; text: string; content: string }[] = [];
  const flush = async () => {
    if (samples.length > 0) await collectionsOf(store).samples.insertMany(samples, { ordered: false });
    samples = [];
  };
  for (const name of (await readdir(folder)).filter((file) => file.endsWith('.md')).sort()) {
    const filepath = join(folder, name);
    const document = await extractDocument(await readFile(filepath), name);
    for (const [part, item] of itemsOfDocument(document, name, chunk(document)).entries()) {
      const sample = sampleOf(filepath, part, seq, item);
      texts.push({ seq, sampleId: sample._id, text: String(item.metadata.text), content: item.content ?? '' });
      samples.push(sample);
      seq += 1;
      if (samples.length === BATCH) await flush();
    }
  }
  await flush();
  for (let from = 0; from < texts.length; from += VECTORS) {
    const vectors = texts.slice(from, from + VECTORS).map(({ text, content, ...sample }) => {
      const vector = hashedWords(text, DIM);
      normalize(vector);
      return { ...sample, vector, content, version: content, isStale: false };
    });
    await writeVectors(store, { datasetId: DATABASE, modelKey: 'hashed-words' }, vectors);
  }
  return seq;
}

function sampleOf(
  filepath: string,
  part: number,
  seq: number,
  { metadata, content = '', words = new Uint8Array() }: Item,
): SampleDocument {
  const now = new Date();
  return {
    _id: new ObjectId(),
    dataset_id: DATABASE,
    seq,
    filepath,
    part,
    source: { size_bytes: 0, mtime_ns: Long.ZERO, fingerprint: 'floor' },
    metadata: { ...metadata },
    content,
    words: new Binary(words),
    words_written: new Timestamp({ t: 0, i: 0 }),
    tags: [],
    status: 'indexed',
    job_id: DATABASE,
    created_at: now,
    last_modified_at: now,
  };
}
