import { type FileHandle, mkdir, open, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Index } from 'usearch';
import type { IndexKind } from '../../contract/job.ts';
import { createGraph } from './graph.ts';
import type { IndexBuilder, SavedIndex } from './index-builder.ts';
import { quantiseAll } from './quantise.ts';

/** The record of a completed save. It is written last, so the files may hold more. */
interface Saved extends SavedIndex {
  dim: number;
  kind: IndexKind;
  /** The file of the graph. Each save writes another one, so a broken-off save leaves the one before whole. */
  graph: string | null;
}

const NOTHING = { count: 0, lastSeq: -1, graph: null };
const SEQ_BYTES = 8;

/** Builds an index in this process. */
export function createLocalBuilder(): IndexBuilder {
  let folder = '';
  let threads = 1;
  let saved: Saved;
  let rows: FileHandle | undefined;
  let seqs: FileHandle | undefined;
  let graph: Index | undefined;
  let count = 0;
  let lastSeq = -1;
  const path = (name: string) => join(folder, name);

  async function close(): Promise<void> {
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
    async open(where, { dim, kind, threads: most }) {
      folder = where;
      threads = most;
      await mkdir(folder, { recursive: true });
      saved = await readSaved(path('saved.json'), { dim, kind });
      ({ count, lastSeq } = saved);
      rows = await openAt(path('rows'), count * dim);
      seqs = await openAt(path('seqs'), count * SEQ_BYTES);
      if (kind !== 'exact') {
        graph = createGraph(dim, kind);
        if (saved.graph !== null) graph.load(path(saved.graph));
      }
      return { count, lastSeq };
    },
    async add(added, vectors) {
      const { dim, kind } = saved;
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
      await close();
      const { kind, graph: name } = saved;
      return {
        count,
        files: {
          rows: path('rows'),
          seqs: path('seqs'),
          ...(kind === 'exact' || name === null ? {} : { graph: { path: path(name), kind } }),
        },
      };
    },
    close,
  };
}

/** Reads the record of the last save. It is empty if the folder holds another index. */
async function readSaved(path: string, { dim, kind }: Pick<Saved, 'dim' | 'kind'>): Promise<Saved> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const found = text === undefined ? undefined : (JSON.parse(text) as Saved);
  return found?.dim === dim && found.kind === kind ? found : { ...NOTHING, dim, kind };
}

/** Opens a file for writing and cuts off what lies behind its first `bytes`. */
async function openAt(path: string, bytes: number): Promise<FileHandle> {
  await writeFile(path, '', { flag: 'a' });
  await truncate(path, bytes);
  return open(path, 'r+');
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
