/** The samples below a folder: one range of the path index. */
import { Binary, type ClientSession } from 'mongodb';
import { rangeBelow } from '../folders.ts';
import { collectionsOf } from './collections.ts';
import type { SampleDocument } from './documents.ts';
import { SAMPLE_INDEXES } from './prepare.ts';
import { PATHS_A_QUERY, slicesOf } from './slices.ts';
import type { Store } from './store.ts';

/** A folder of a dataset. */
export interface DatasetFolder {
  datasetId: string;
  folder: string;
}

/** Names the index, because the planner may prefer one that begins with the same field. */
const hint = SAMPLE_INDEXES.path;

function filterOf({ datasetId, folder }: DatasetFolder) {
  const { after, before } = rangeBelow(folder);
  return { dataset_id: datasetId, filepath: { $gt: after, $lt: before } };
}

/** Whether any sample lies below a folder. */
export async function hasSamplesBelow(store: Store, folder: DatasetFolder): Promise<boolean> {
  const options = { projection: { _id: 0, filepath: 1 }, hint } as const;
  return (await collectionsOf(store).samples.findOne(filterOf(folder), options)) !== null;
}

/** A file by its stored path. */
export type FileOfSamples = Pick<SampleDocument, 'filepath' | 'filepath_bytes'>;

/** The files below a folder in path order, once each, in batches. */
export async function* filesBelow(
  store: Store,
  folder: DatasetFolder,
  batchSize: number,
): AsyncGenerator<FileOfSamples[]> {
  const found = collectionsOf(store)
    .samples.find(filterOf(folder), { projection: { _id: 0, filepath: 1, filepath_bytes: 1 }, hint, batchSize })
    .sort({ filepath: 1, part: 1 });
  let batch: FileOfSamples[] = [];
  let last: string | undefined;
  for await (const file of found) {
    if (file.filepath === last) continue;
    last = file.filepath;
    batch.push(file);
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** The first of some paths, which are in path order, that a sample has; undefined if none has. */
export async function pathInUse(
  store: Store,
  datasetId: string,
  filepaths: readonly string[],
): Promise<string | undefined> {
  for (const slice of slicesOf(filepaths, PATHS_A_QUERY)) {
    const filter = { dataset_id: datasetId, filepath: { $in: slice } };
    const options = { projection: { _id: 0, filepath: 1 }, sort: { filepath: 1 }, hint } as const;
    const found = await collectionsOf(store).samples.findOne(filter, options);
    if (found !== null) return found.filepath;
  }
  return undefined;
}

/** The fields of a sample that its removal needs. */
export type SampleToRemove = Pick<SampleDocument, '_id' | 'seq'>;

/** The first samples below a folder in path order. */
export async function firstSamplesBelow(store: Store, folder: DatasetFolder, limit: number): Promise<SampleToRemove[]> {
  return collectionsOf(store)
    .samples.find(filterOf(folder), { projection: { seq: 1 }, hint })
    .sort({ filepath: 1, part: 1 })
    .limit(limit)
    .toArray();
}

/** The numbers of the samples below a folder, in batches. */
export async function* seqsBelow(store: Store, folder: DatasetFolder, batchSize: number): AsyncGenerator<number[]> {
  const found = collectionsOf(store).samples.find(filterOf(folder), {
    projection: { _id: 0, seq: 1 },
    hint,
    batchSize,
  });
  let batch: number[] = [];
  for await (const { seq } of found) {
    batch.push(seq);
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Gives the first `count` samples below a folder new paths. Returns how many there were. */
export async function moveFirstSamples(
  store: Store,
  folder: DatasetFolder,
  { count, movedOf }: { count: number; movedOf: (file: FileOfSamples) => { path: string; bytes?: Buffer } },
  session: ClientSession,
): Promise<number> {
  const { samples } = collectionsOf(store);
  const found = await samples
    .find(filterOf(folder), { projection: { filepath: 1, filepath_bytes: 1 }, hint, session })
    .sort({ filepath: 1, part: 1 })
    .limit(count)
    .toArray();
  if (found.length === 0) return 0;
  const now = new Date();
  await samples.bulkWrite(
    found.map(({ _id, ...file }) => {
      const { path, bytes } = movedOf(file);
      return {
        updateOne: {
          filter: { _id },
          update: {
            $set: {
              filepath: path,
              last_modified_at: now,
              ...(bytes === undefined ? {} : { filepath_bytes: new Binary(bytes) }),
            },
            ...(bytes === undefined ? { $unset: { filepath_bytes: true as const } } : {}),
          },
        },
      };
    }),
    { ordered: false, session },
  );
  return found.length;
}
