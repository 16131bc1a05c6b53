import { type FileHandle, open as openFile } from 'node:fs/promises';
import type { Index } from 'usearch';
import { firstAtLeast } from '../first-at-least.ts';
import { createGraph, scoreOf } from './graph.ts';
import { findPairs, link, type PairedSet } from './pairs.ts';
import { quantise } from './quantise.ts';
import { createRows, type Rows } from './rows.ts';
import {
  type Candidates,
  type GraphKind,
  type IndexFiles,
  MachineEndedError,
  type VectorMachine,
} from './vector-machine.ts';

/** A candidate before it is given out. */
interface Found {
  seq: number;
  score: number;
}

/** A published index. Its rows are read when a search first needs them, if a graph stands for them. */
interface PublishedSet {
  seqs: Float64Array;
  graph?: { index: Index; kind: GraphKind };
  rows(): Promise<Rows>;
  close(): Promise<void>;
}

/** A set of vectors in memory. */
interface LoadedSet {
  dim: number;
  published?: PublishedSet;
  /** Vectors that came later. */
  later: PairedSet & { positions: Map<number, number> };
}

/** Candidates of a graph for each that is asked for: bits tell neighbours apart less well. */
const CANDIDATES: Record<GraphKind, number> = { i8: 1, f32: 1, bf16: 1, b1: 8 };

/** Rows that are read from a file at once. */
const READ_ROWS = 8192;

/** Holds vectors in this process. */
export function createLocalMachine(): VectorMachine {
  const sets = new Map<string, LoadedSet>();
  const setOf = (name: string): LoadedSet => {
    const set = sets.get(name);
    if (set === undefined) throw new MachineEndedError(`The set ${name} is not open.`);
    return set;
  };
  return {
    async open(name, dim, files) {
      const published = files === undefined ? undefined : await openFiles(dim, files);
      sets.set(name, {
        dim,
        ...(published === undefined ? {} : { published }),
        later: { dim, rows: createRows(dim), seqs: [], positions: new Map() },
      });
    },
    async add(name, seqs, vectors) {
      const { later } = setOf(name);
      const before = later.positions.size;
      for (const seq of seqs) {
        later.positions.set(seq, later.seqs.length);
        later.seqs.push(seq);
      }
      later.rows.add(vectors);
      return seqs.length - (later.positions.size - before);
    },
    async find(name, query, count, among) {
      const set = setOf(name);
      return among === undefined ? findNear(set, query, count) : findAmong(set, query, count, among);
    },
    async findPairs(name, request) {
      return findPairs(setOf(name).later, request);
    },
    async link(name) {
      return link(setOf(name).later);
    },
    async drop(name) {
      const set = sets.get(name);
      sets.delete(name);
      await set?.published?.close();
    },
    async close() {
      const all = [...sets.values()];
      sets.clear();
      await Promise.all(all.map(({ published }) => published?.close()));
    },
  };
}

/** Opens all files at once: an open file can be read after it was removed from the cache. */
async function openFiles(dim: number, files: IndexFiles): Promise<PublishedSet> {
  const seqs = await readSeqs(files.seqs);
  const rowFile = await openFile(files.rows);
  let loading: Promise<Rows> | undefined;
  const rows = () => {
    loading ??= readRows(rowFile, files.rows, dim, seqs.length).catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
  const close = async () => {
    await loading?.catch(() => undefined);
    await rowFile.close();
  };
  try {
    if (files.graph === undefined) {
      await rows();
      return { seqs, rows, close };
    }
    const { path, kind } = files.graph;
    const index = createGraph(dim, kind);
    // A view maps the file into memory and reads what a search touches.
    index.view(path);
    if (index.dimensions() !== dim || index.size() !== seqs.length)
      throw new Error(
        `${path} holds ${index.size()} vectors of ${index.dimensions()} elements, not ${seqs.length} of ${dim}.`,
      );
    return { seqs, rows, close, graph: { index, kind } };
  } catch (error) {
    await close();
    throw error;
  }
}

async function readSeqs(path: string): Promise<Float64Array> {
  await using file = await openFile(path);
  const bytes = new Uint8Array((await file.stat()).size);
  await readExactly(file, bytes, 0, path);
  return new Float64Array(bytes.buffer);
}

async function readRows(file: FileHandle, path: string, dim: number, count: number): Promise<Rows> {
  const rows = createRows(dim);
  for (let at = 0; at < count; at += READ_ROWS) {
    const some = new Int8Array(Math.min(READ_ROWS, count - at) * dim);
    await readExactly(file, some, at * dim, path);
    rows.addRows(some);
  }
  return rows;
}

async function readExactly(
  file: FileHandle,
  into: Uint8Array | Int8Array,
  position: number,
  path: string,
): Promise<void> {
  const { bytesRead } = await file.read(into, { position });
  if (bytesRead !== into.byteLength) throw new Error(`${path} ends ${into.byteLength - bytesRead} bytes too soon.`);
}

async function findNear({ dim, published, later }: LoadedSet, query: Float32Array, count: number): Promise<Candidates> {
  const coarse = coarseOf(query);
  // A row whose vector was replaced is near to a query that the vector is not near to any more.
  const found = later.rows
    .find(coarse, count)
    .map(({ position, score }) => ({ seq: later.seqs[position] as number, position, score }))
    .filter(({ seq, position }) => later.positions.get(seq) === position)
    .map(({ seq, score }): Found => ({ seq, score }));
  const addPublished = (seq: number, score: number) => {
    if (!later.positions.has(seq)) found.push({ seq, score });
  };
  const total = later.rows.count + (published?.seqs.length ?? 0);
  if (published?.graph !== undefined) {
    const { index, kind } = published.graph;
    // An int8 graph holds the fine int8 of core/search/quantise.ts; usearch's own would be coarser.
    const wanted = Math.min(count * CANDIDATES[kind], published.seqs.length);
    const { keys, distances } = index.search(kind === 'i8' ? coarse : query, wanted, 1);
    keys.forEach((key, i) => {
      addPublished(Number(key), scoreOf(kind, dim, distances[i] as number));
    });
  } else if (published !== undefined) {
    for (const { position, score } of (await published.rows()).find(coarse, count))
      addPublished(published.seqs[position] as number, score);
  }
  const most = published?.graph === undefined ? count : count * CANDIDATES[published.graph.kind];
  return candidatesOf(found, most, { exact: published?.graph === undefined, all: total <= count });
}

async function findAmong(
  { published, later }: LoadedSet,
  query: Float32Array,
  count: number,
  among: readonly number[],
): Promise<Candidates> {
  const coarse = coarseOf(query);
  const inLater: number[] = [];
  const inPublished: number[] = [];
  for (const seq of among) {
    const position = later.positions.get(seq);
    if (position !== undefined) inLater.push(position);
    else if (published !== undefined) {
      const row = rowOf(published.seqs, seq);
      if (row !== undefined) inPublished.push(row);
    }
  }
  const found = later.rows
    .findAmong(coarse, count, inLater)
    .map(({ position, score }) => ({ seq: later.seqs[position] as number, score }));
  if (published !== undefined && inPublished.length > 0) {
    for (const { position, score } of (await published.rows()).findAmong(coarse, count, inPublished))
      found.push({ seq: published.seqs[position] as number, score });
  }
  return candidatesOf(found, count, { exact: true, all: inLater.length + inPublished.length <= count });
}

function coarseOf(query: Float32Array): Int8Array {
  const coarse = new Int8Array(query.length);
  quantise(query, coarse, 0);
  return coarse;
}

/** The row of a seq, if it has one. */
function rowOf(seqs: Float64Array, seq: number): number | undefined {
  const row = firstAtLeast(seqs, seq);
  return seqs[row] === seq ? row : undefined;
}

function candidatesOf(found: Found[], count: number, { exact, all }: { exact: boolean; all: boolean }): Candidates {
  const nearest = found.sort((a, b) => b.score - a.score || a.seq - b.seq).slice(0, count);
  return { seqs: nearest.map(({ seq }) => seq), scores: nearest.map(({ score }) => score), exact, all };
}
