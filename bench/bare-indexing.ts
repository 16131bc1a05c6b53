/**
 * The floor of indexing, in a process of its own. It walks, reads headers and inserts, one after the other, into the
 * same mongod with the same indexes. It has no retry, resume, progress, or comparison with stored samples.
 *
 *     node bench/bare-indexing.ts MONGODB_URI
 */
import { Long, ObjectId } from 'mongodb';
import { compareListing } from '../core/indexing/compare-listing.ts';
import { isImageName } from '../core/media/images/formats.ts';
import { readHeaders } from '../core/media/images/header.ts';
import { walk } from '../core/sources/folder/walk.ts';
import { createSelection } from '../core/sources/selection.ts';
import type { ListedFile } from '../core/sources/source.ts';
import { collectionsOf } from '../core/store/collections.ts';
import type { SampleDocument } from '../core/store/documents.ts';
import { openStore } from '../core/store/open.ts';
import { prepareDatabase } from '../core/store/prepare.ts';
import { filesBetween } from '../core/store/samples.ts';
import type { Store } from '../core/store/store.ts';
import { answerOrders } from './bare-process.ts';

export type BareIndexingOrder =
  /** Reads the headers once, to warm the file cache. */
  | { type: 'warm'; folder: string; count: number }
  | { type: 'index'; folder: string; count: number }
  /** Compares the folder with the samples that Plimsoll stored. */
  | { type: 'compare'; folder: string; count: number; dataset: string };

const BATCH = 1000;
const COMPARED_AT_ONCE = 4096;
/** A database beside Plimsoll's, in the same mongod. */
const DATABASE = 'floor';

let nextSeq = 0;

if (import.meta.main) {
  const [uri = ''] = process.argv.slice(2);
  const floor = new URL(uri);
  floor.pathname = `/${DATABASE}`;
  const own = openStore(floor.href);
  const plimsolls = openStore(uri);
  answerOrders<BareIndexingOrder>(async (order) => {
    if (order.type === 'compare') return compare(plimsolls, order);
    if (order.type === 'warm') return timed(order, (files) => readAll(files).then((read) => read.length));
    await own.client.db(DATABASE).dropDatabase();
    await prepareDatabase(own);
    const elapsedMs = await timed(order, (files) => insert(own, files));
    await own.client.db(DATABASE).dropDatabase();
    return elapsedMs;
  });
}

/** Walks the folder, passes its files on in batches, and returns the elapsed milliseconds. */
async function timed(
  { folder, count }: BareIndexingOrder,
  work: (files: ListedFile[]) => Promise<number>,
  batchSize = BATCH,
): Promise<number> {
  const started = performance.now();
  let files: ListedFile[] = [];
  let done = 0;
  for await (const step of walk(folder, { selection: createSelection(isImageName) })) {
    files.push(...step.files);
    while (files.length >= batchSize) {
      done += await work(files.slice(0, batchSize));
      files = files.slice(batchSize);
    }
  }
  if (files.length > 0) done += await work(files);
  const elapsedMs = performance.now() - started;
  if (done !== count) throw new Error(`${folder}: ${done} files were worked on, ${count} are there`);
  return elapsedMs;
}

const readAll = (files: ListedFile[]) => readHeaders(files.map(({ path, size }) => ({ path, sizeBytes: size })));

async function insert(store: Store, files: ListedFile[]): Promise<number> {
  const headers = await readAll(files);
  const now = new Date();
  const documents = files.map(({ path, size, mtimeNs, fingerprint }, n): SampleDocument => {
    const { metadata } = headers[n] ?? {};
    if (metadata === undefined) throw new Error(`${path}: ${headers[n]?.error?.message}`);
    return {
      _id: new ObjectId(),
      dataset_id: DATABASE,
      seq: nextSeq++,
      filepath: path,
      part: 0,
      source: { size_bytes: size, mtime_ns: Long.fromBigInt(mtimeNs), fingerprint },
      metadata: { ...metadata },
      tags: [],
      status: 'indexed',
      job_id: DATABASE,
      created_at: now,
      last_modified_at: now,
    };
  });
  const { insertedCount } = await collectionsOf(store).samples.insertMany(documents, { ordered: false });
  return insertedCount;
}

async function compare(store: Store, order: BareIndexingOrder & { type: 'compare' }): Promise<number> {
  let after = '';
  const unchanged = async (files: ListedFile[]) => {
    const stretch = { after, upto: files.at(-1)?.path ?? '', limit: files.length };
    const stored = await filesBetween(store, { datasetId: order.dataset, ...stretch });
    after = stretch.upto;
    return compareListing(files, stored).unchanged;
  };
  return timed(order, unchanged, COMPARED_AT_ONCE);
}
