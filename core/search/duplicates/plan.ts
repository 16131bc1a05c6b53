import { vectorSeqs } from '../../store/current-vectors.ts';
import { type Comparison, openComparison } from '../../store/duplicates.ts';
import type { VectorSet } from '../../store/embeddings.ts';
import { jobEnded } from '../../store/job-errors.ts';
import type { Store } from '../../store/store.ts';

/** A range of seqs, `from` inclusive and `to` exclusive, and how many vectors it has. */
export type ComparedChunk = [from: number, to: number, count: number];

export interface ComparisonPlan {
  /** Names the work of this run. */
  plan: string;
  total: number;
  /** Whether each vector is compared with each. */
  exact: boolean;
  chunks: ComparedChunk[];
}

/**
 * Vectors up to which each is compared with each. Beyond, building a graph of neighbours and asking it takes less: 2.8 ms
 * of one core for a vector of 512 elements, against 0.1 µs for each pair.
 */
export const MOST_EXACT = 50_000;
/** A chunk is some seconds of work, and a job has at most 1,000: each is an activity. */
const COMPARISONS_OF_CHUNK = 100_000_000;
const SMALLEST_CHUNK = 256;
const LARGEST_CHUNK = 4096;
const MOST_CHUNKS = 1000;

export interface PlanComparison extends Comparison {
  set: VectorSet;
  onStep: () => void;
  signal: AbortSignal;
}

const STEP = 10_000;

/** Divides the vectors of a set into chunks, the unit of retry. @throws UserError Superseded */
export async function planComparison(store: Store, request: PlanComparison): Promise<ComparisonPlan> {
  const { jobId, plan, set, onStep, signal } = request;
  const seqs: number[] = [];
  for await (const seq of vectorSeqs(store, set)) {
    if (seqs.push(seq) % STEP !== 0) continue;
    signal.throwIfAborted();
    onStep();
  }
  if (!(await openComparison(store, { jobId, plan }, seqs.length))) throw jobEnded(jobId);
  return { plan, total: seqs.length, ...divide(seqs) };
}

/** Divides seqs, which are ascending, into chunks of about equal work. */
export function divide(seqs: readonly number[]): Pick<ComparisonPlan, 'exact' | 'chunks'> {
  const exact = seqs.length <= MOST_EXACT;
  const size = chunkSize(seqs.length, exact);
  const chunks: ComparedChunk[] = [];
  for (let at = 0; at < seqs.length; at += size) {
    const count = Math.min(size, seqs.length - at);
    chunks.push([seqs[at] as number, (seqs[at + count - 1] as number) + 1, count]);
  }
  return { exact, chunks };
}

function chunkSize(total: number, exact: boolean): number {
  const wanted = exact ? COMPARISONS_OF_CHUNK / total : LARGEST_CHUNK;
  const bounded = Math.min(Math.max(Math.ceil(wanted), SMALLEST_CHUNK), LARGEST_CHUNK);
  return Math.max(bounded, Math.ceil(total / MOST_CHUNKS));
}
