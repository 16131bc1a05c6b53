import { prepareDatabase } from '../core/store/prepare.ts';
import type { Store } from '../core/store/store.ts';
import { type BareSearch, createBareSearch } from './bare-search.ts';
import { DATASET, fillSamples } from './fill-samples.ts';
import { fillVectors } from './fill-vectors.ts';
import { learnedVectors } from './learned-vectors.ts';

export const DIM = 512;
export const QUERIES = 200;
/** Hits of a search. */
export const WANTED = 10;

/** Queries and, of each, the seqs of its nearest samples by comparing all vectors. */
export interface Truth {
  query: Float32Array;
  nearest: number[];
  /** The nearest among the samples with the tag. */
  tagged: number[];
}

/** A dataset with vectors, and queries of which the truth is known. */
export interface SearchedDataset {
  truths: Truth[];
  /** The milliseconds that a bare scan took for each query. */
  scansMs: number[];
  /** Its vectors. */
  vectors: BareSearch;
}

/** Writes a dataset whose samples have vectors. */
export async function fillSearchedDataset(store: Store, count: number): Promise<SearchedDataset> {
  await prepareDatabase(store);
  await fillSamples(store, count);
  const source = learnedVectors(DIM);
  const bare = createBareSearch(DIM);
  const seqs: number[] = [];
  await fillVectors(store, { dataset: DATASET, dim: DIM, source }, (seq, vector) => {
    seqs.push(seq);
    bare.add(vector);
  });
  const found = findTruths(bare, seqs, () => {
    const query = new Float32Array(DIM);
    source(query, 0);
    return query;
  });
  return { ...found, vectors: bare };
}

function findTruths(bare: BareSearch, seqs: readonly number[], query: () => Float32Array) {
  const tagged = createBareSearch(DIM);
  const taggedSeqs = seqs.filter((seq, number) => {
    const has = hasTag(seq);
    if (has) tagged.add(bare.vector(number));
    return has;
  });
  const scansMs: number[] = [];
  const truths = Array.from({ length: QUERIES }, () => {
    const one = query();
    const began = performance.now();
    const nearest = bare.nearest(one, WANTED);
    scansMs.push(performance.now() - began);
    return {
      query: one,
      nearest: nearest.map((number) => seqs[number] as number),
      tagged: tagged.nearest(one, WANTED).map((number) => taggedSeqs[number] as number),
    };
  });
  return { truths, scansMs };
}

/** See fillSamples. */
const hasTag = (seq: number) => seq % 100 === 5;

/** The milliseconds of each run, one after the other. */
export async function times(count: number, run: () => Promise<void>): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const began = performance.now();
    await run();
    took.push(performance.now() - began);
  }
  return took;
}

export function percentile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * part) - 1] as number;
}
