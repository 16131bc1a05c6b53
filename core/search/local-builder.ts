import { type FileHandle, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Index } from 'usearch';
import type { IndexKind } from '../../contract/job.ts';
import { type ClaimedFolder, claimFolder } from './claim-folder.ts';
import { createGraph } from './graph.ts';
import type { IndexBuilder, SavedIndex } from './index-builder.ts';
import { quantiseAll } from './quantise.ts';
import type { GraphKind } from './vector-machine.ts';

/** The record of a completed save. It is written last, so the files may hold more. */
interface Saved extends SavedIndex {
  /** The file of the graph. Each save writes another one, so a broken-off save leaves the one before whole. */
  graph: string | null;
}

const SEQ_BYTES = 8;

/** Builds an index in this process. */
export function createLocalBuilder(): IndexBuilder {
  let claimed: ClaimedFolder | undefined;
  let index: { dim: number; kind: IndexKind; threads: number };
  let saved: Saved;
  let rows: FileHandle | undefined;
  let seqs: FileHandle | undefined;
  let graph: Index | undefined;
  let count = 0;
  let lastSeq = -1;
  const folder = () => {
    if (claimed === undefined) throw new Error('The builder is not open.');
    return claimed.folder;
  };
  const path = (name: string) => join(folder(), name);

  async function closeFiles(): Promise<void> {
    await Promise.all([rows?.close(), seqs?.close()]);
    rows = undefined;
    seqs = undefined;
  }

  async function save(): Promise<void> {
    await Promise.all([rows?.sync(), seqs?.sync()]);
    if (count === saved.count) return;
    const before = saved;
    let name: string | null = null;
    if (graph !== undefined) {
      name = `graph-${count}`;
      saveGraph(graph, path(name));
      await synced(path(name));
    }
    saved = { ...saved, count, lastSeq, graph: name };
    await writeWhole(path('saved.json'), JSON.stringify(saved));
    if (before.graph !== null) await rm(path(before.graph), { force: true });
  }

  return {
    async open(wanted, wantedIndex) {
      index = wantedIndex;
      claimed = await claimFolder(wanted);
      const found = await readSaved(path('saved.json'));
      if (found === undefined) return undefined;
      const { dim, kind } = index;
      if (kind !== 'exact') {
        graph = found.graph === null ? undefined : loadGraph(path(found.graph), dim, kind);
        if (graph === undefined) return undefined;
      }
      rows = await openWith(path('rows'), found.count * dim);
      seqs = await openWith(path('seqs'), found.count * SEQ_BYTES);
      if (rows === undefined || seqs === undefined) return undefined;
      saved = found;
      ({ count, lastSeq } = saved);
      return { count, lastSeq, beginning: saved.beginning };
    },
    async begin(beginning) {
      const { dim, kind } = index;
      await closeFiles();
      for (const name of await readdir(folder())) if (name !== 'lock') await rm(path(name), { force: true });
      saved = { beginning, count: 0, lastSeq: -1, graph: null };
      ({ count, lastSeq } = saved);
      graph = kind === 'exact' ? undefined : createGraph(dim, kind);
      rows = await open(path('rows'), 'w+');
      seqs = await open(path('seqs'), 'w+');
    },
    async add(added, vectors) {
      const { dim, kind, threads } = index;
      const coarse = quantiseAll(vectors, dim);
      await writeAt(rows, coarse, count * dim);
      const numbers = Float64Array.from(added);
      await writeAt(seqs, new Uint8Array(numbers.buffer), count * SEQ_BYTES);
      // The int8 of a row has finer steps than usearch's own.
      graph?.add(BigUint64Array.from(added, BigInt), kind === 'i8' ? coarse : vectors, threads);
      count += added.length;
      lastSeq = added.at(-1) ?? lastSeq;
    },
    save,
    async finish() {
      await save();
      await closeFiles();
      const { kind } = index;
      const { graph: name } = saved;
      return {
        folder: folder(),
        count,
        files: {
          rows: path('rows'),
          seqs: path('seqs'),
          // A set without vectors has no graph.
          ...(kind === 'exact' || name === null ? {} : { graph: { path: path(name), kind } }),
        },
      };
    },
    async close() {
      await closeFiles();
      claimed?.release();
      claimed = undefined;
    },
  };
}

/** Reads the record of the last save; undefined if there is none that can be read. */
async function readSaved(path: string): Promise<Saved | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Loads a graph; undefined if it is gone or damaged. */
function loadGraph(path: string, dim: number, kind: GraphKind): Index | undefined {
  const graph = createGraph(dim, kind);
  try {
    graph.load(path);
    return graph;
  } catch {
    return undefined;
  }
}

/** Opens a file for writing, and cuts off what lies behind its first `bytes`; undefined if it is shorter. */
async function openWith(path: string, bytes: number): Promise<FileHandle | undefined> {
  const size = (await stat(path).catch(() => undefined))?.size ?? -1;
  if (size < bytes) return undefined;
  const file = await open(path, 'r+');
  await file.truncate(bytes);
  return file;
}

/** Writes all bytes. On a full disk the system may write a part of them, and call that a success. */
async function writeAt(file: FileHandle | undefined, bytes: Int8Array | Uint8Array, position: number): Promise<void> {
  const written = (await file?.write(bytes, 0, bytes.byteLength, position))?.bytesWritten ?? 0;
  if (written < bytes.byteLength) throw new Error('The index could not be written whole. Is the disk full?');
}

/** usearch names neither the file nor the cause. */
function saveGraph(graph: Index, path: string): void {
  try {
    graph.save(path);
  } catch (error) {
    throw new Error(`The index can't be written to ${path}: ${(error as Error).message}. Is the disk full?`, {
      cause: error,
    });
  }
}

/** Writes a file that is there whole or not at all. */
async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { flush: true });
  await rename(`${path}.new`, path);
}

async function synced(path: string): Promise<void> {
  await using file = await open(path, 'r');
  await file.sync();
}
