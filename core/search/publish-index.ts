import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { IndexKind } from '../../contract/job.ts';
import { UserError } from '../errors.ts';
import type { ClusterTime } from '../store/cluster-time.ts';
import { publishedIndexIds, setPublishedIndex } from '../store/datasets.ts';
import type { IndexFileDocument, PublishedIndexDocument } from '../store/documents.ts';
import type { VectorSet } from '../store/embeddings.ts';
import { openIndexDownload, openIndexUpload, removeBrokenUploads, removeIndex } from '../store/index-files.ts';
import type { Store } from '../store/store.ts';
import type { BuiltIndex } from './index-builder.ts';
import type { GraphKind, IndexFiles } from './vector-machine.ts';

/** The longest time of an upload. The remains of one that began earlier are removed. */
const LONGEST_UPLOAD_MS = 24 * 3600 * 1000;

/** A built index to publish. */
export interface IndexToPublish {
  set: VectorSet;
  kind: IndexKind;
  covers: ClusterTime;
  built: BuiltIndex;
  /** Called for each part that is written. */
  onStep: () => void;
  signal: AbortSignal;
}

/** A published index, and the one before it. */
export interface Published {
  index: PublishedIndexDocument;
  before: PublishedIndexDocument | undefined;
}

/**
 * Publishes an index: uploads its files, then points the dataset to them in one write. The index before serves until
 * then, and is removed afterwards; a search that fetches it at that moment fetches the new one instead.
 *
 * @throws UserError DatasetNotFound when the dataset, or its model, was removed meanwhile.
 */
export async function publishIndex(
  store: Store,
  { set, kind, covers, built, onStep, signal }: IndexToPublish,
): Promise<Published> {
  const id = randomUUID();
  const files: IndexFileDocument[] = [];
  for (const [name, path] of filesOf(built.files)) {
    const upload = openIndexUpload(store, { ...set, indexId: id, name });
    const meter = createMeter(onStep);
    await pipeline(createReadStream(path), meter.stream, upload, { signal });
    files.push({ name, id: upload.id, ...meter.read() });
  }
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const index = { id, kind, vectors: built.count, bytes, covers, built_at: new Date(), files };
  signal.throwIfAborted();
  const published = await setPublishedIndex(store, set, index);
  if (published === undefined) {
    await removeIndex(store, set, id);
    throw new UserError(
      'DatasetNotFound',
      `The index of ${set.datasetId} was not published: the dataset was deleted, or has no model ${set.modelKey} any more.`,
    );
  }
  if (published.before !== undefined) await removeIndex(store, set, published.before.id);
  await removeBrokenUploads(store, {
    before: new Date(Date.now() - LONGEST_UPLOAD_MS),
    published: await publishedIndexIds(store),
  });
  return { index, before: published.before };
}

function filesOf({ seqs, rows, graph }: IndexFiles): [IndexFileDocument['name'], string][] {
  return [['seqs', seqs], ['rows', rows], ...(graph === undefined ? [] : [['graph', graph.path] as const])] as [
    IndexFileDocument['name'],
    string,
  ][];
}

/** The folder of an index in the cache of this machine. */
export const indexFolder = (cache: string, id: string) => join(cache, 'indexes', id);

/** The files of an index in the cache; undefined if they are not all there, or of other sizes. */
export async function cachedFiles(cache: string, index: PublishedIndexDocument): Promise<IndexFiles | undefined> {
  const folder = indexFolder(cache, index.id);
  for (const { name, bytes } of index.files) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found?.size !== bytes) return undefined;
  }
  return filesIn(folder, index);
}

/** Whether the files of an index are as they were published. */
export async function isWhole(
  { files: published }: PublishedIndexDocument,
  files: IndexFiles,
  signal: AbortSignal,
): Promise<boolean> {
  const paths = new Map(filesOf(files));
  for (const { name, sha256 } of published) {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(paths.get(name) as string, { signal })) hash.update(chunk);
    if (hash.digest('hex') !== sha256) return false;
  }
  return true;
}

function filesIn(folder: string, { kind, files }: PublishedIndexDocument): IndexFiles {
  // A set without vectors has no graph.
  const hasGraph = files.some(({ name }) => name === 'graph');
  return {
    seqs: join(folder, 'seqs'),
    rows: join(folder, 'rows'),
    ...(hasGraph ? { graph: { path: join(folder, 'graph'), kind: kind as GraphKind } } : {}),
  };
}

/**
 * Fetches the files of an index into the cache. They are compared with their hashes and appear together, so another
 * process sees all of them or none.
 *
 * @throws when a file is not there any more, because a newer index has replaced it, or differs from its hash
 */
export async function fetchIndex(
  store: Store,
  cache: string,
  index: PublishedIndexDocument,
  signal: AbortSignal,
): Promise<IndexFiles> {
  const folder = indexFolder(cache, index.id);
  const unfinished = `${folder}.${randomUUID().slice(0, 8)}`;
  await mkdir(unfinished, { recursive: true });
  try {
    for (const { name, id, sha256 } of index.files) {
      const meter = createMeter(() => undefined);
      const file = createWriteStream(join(unfinished, name), { flush: true });
      await pipeline(openIndexDownload(store, id), meter.stream, file, { signal });
      if (meter.read().sha256 !== sha256)
        throw new Error(`The file ${name} of index ${index.id} differs from its hash.`);
    }
    await rm(folder, { recursive: true, force: true });
    // Another process may have fetched it meanwhile: its files are the same.
    await rename(unfinished, folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
    return filesIn(folder, index);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/**
 * Moves the files of an index that was built on this machine into its cache, so that it need not fetch them. The folder of
 * the build goes as a whole: nothing stays that a later build would go on with.
 */
export async function keepBuilt(cache: string, index: PublishedIndexDocument, built: BuiltIndex): Promise<void> {
  const folder = indexFolder(cache, index.id);
  const unfinished = `${folder}.built`;
  await rename(built.folder, unfinished);
  try {
    const files = filesOf(built.files);
    for (const [name, path] of files) await rename(join(unfinished, basename(path)), join(unfinished, name));
    const kept = new Set<string>(files.map(([name]) => name));
    for (const name of await readdir(unfinished)) if (!kept.has(name)) await rm(join(unfinished, name));
    await rename(unfinished, folder);
  } finally {
    // It is still there if a fetch was first.
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** Removes the files of an index from the cache. A process that has them open goes on with them. */
export async function forgetCached(cache: string, id: string): Promise<void> {
  await rm(indexFolder(cache, id), { recursive: true, force: true });
}

/** Counts and hashes what flows through. */
function createMeter(onStep: () => void) {
  const hash = createHash('sha256');
  let bytes = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      bytes += chunk.length;
      onStep();
      done(undefined, chunk);
    },
  });
  return { stream, read: () => ({ bytes, sha256: hash.digest('hex') }) };
}
