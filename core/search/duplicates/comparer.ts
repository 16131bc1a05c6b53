import { unlessAborted } from '../../concurrency/abort.ts';
import { currentVectors } from '../../store/current-vectors.ts';
import type { SeqPair } from '../../store/duplicates.ts';
import { vectorsOfSeqs } from '../../store/search-vectors.ts';
import type { Store } from '../../store/store.ts';
import { cosine } from '../cosine.ts';
import type { SearchedSet } from '../finder.ts';
import { MachineEndedError, type Pairs, type VectorMachine } from '../vector-machine.ts';
import { createUnion, type Union } from './union.ts';

/** A part of the comparison of a set's vectors with each other. */
export interface CompareRequest {
  set: SearchedSet;
  /** Names the comparison: its chunks share what the machine holds. */
  plan: string;
  exact: boolean;
  threshold: number;
  /** The vectors of these seqs are compared, `to` exclusive. */
  from: number;
  to: number;
  onStep: () => void;
  signal: AbortSignal;
}

/** Compares vectors of a set with each other. */
export interface Comparer {
  /**
   * Finds pairs of duplicates, at least one of each pair in the range: samples of equal content, and those whose vectors
   * have at least the threshold's cosine. A pair that others join already may be left out.
   */
  compare(request: CompareRequest): Promise<SeqPair[]>;
  close(): Promise<void>;
}

/** The vectors of a comparison, in the machine. */
interface Held {
  name: string;
  /** Samples whose content an earlier sample has, in seq order. The machine holds the earlier one's vector alone. */
  copies: SeqPair[];
}

/** The vectors of a comparison, or their reading, that its chunks share. */
interface Shared {
  held: Promise<Held>;
  isRead: boolean;
  /** Called at each step of the reading, one for each chunk. */
  users: Set<() => void>;
  abort: AbortController;
}

/** Vectors that are read from MongoDB and handed to the machine at once. */
const BATCH = 1000;
/** Comparisons whose vectors are kept in memory. */
const MOST_HELD = 2;
/**
 * Int8 cosines are off by about 0.001. Pairs whose approximation is this far below the threshold are decided by the
 * stored vectors.
 */
const MARGIN = 0.01;
/** The cosine of two float32 vectors is off by less. So a threshold of 1 finds equal vectors. */
const ROUNDING = 1e-5;
/** Vectors that are read from MongoDB at once to decide about pairs. */
const DECIDED_AT_ONCE = 2000;

/** Creates a comparer that keeps vectors in a machine. The machine is its own: it closes it. */
export function createComparer(store: Store, machine: VectorMachine): Comparer {
  const comparisons = new Map<string, Shared>();
  let opened = 0;

  /** Shares the vectors of a comparison while `work` is under way. They are read once, however many chunks need them. */
  async function sharing<T>(request: CompareRequest, work: (held: Held) => Promise<T>): Promise<T> {
    const { plan, onStep, signal } = request;
    signal.throwIfAborted();
    if (!comparisons.has(plan)) await makeRoom();
    const shared = comparisons.get(plan) ?? open(request);
    // The one that was used last is the last to go.
    comparisons.delete(plan);
    comparisons.set(plan, shared);
    shared.users.add(onStep);
    try {
      return await work(await unlessAborted(shared.held, signal));
    } catch (error) {
      if (error instanceof MachineEndedError) forget(plan, shared);
      throw error;
    } finally {
      shared.users.delete(onStep);
      if (shared.users.size === 0 && !shared.isRead) forget(plan, shared);
    }
  }

  function open(request: CompareRequest): Shared {
    opened += 1;
    const name = `${request.plan} ${opened}`;
    const users = new Set<() => void>();
    const abort = new AbortController();
    const onStep = () => {
      for (const step of users) step();
    };
    const held = fill(store, machine, { ...request, name, onStep, signal: abort.signal });
    const shared: Shared = { held, isRead: false, users, abort };
    held.then(
      () => {
        shared.isRead = true;
      },
      () => forget(request.plan, shared),
    );
    return shared;
  }

  function forget(plan: string, shared: Shared): void {
    if (comparisons.get(plan) === shared) comparisons.delete(plan);
    shared.abort.abort(new Error('Nobody needs these vectors any more.'));
  }

  async function makeRoom(): Promise<void> {
    for (const [plan, shared] of comparisons) {
      if (comparisons.size < MOST_HELD) return;
      if (shared.users.size > 0) continue;
      forget(plan, shared);
      await shared.held.then(({ name }) => machine.drop(name)).catch(() => undefined);
    }
  }

  async function compareWith(held: Held, request: CompareRequest): Promise<SeqPair[]> {
    const { set, from, to, threshold, onStep, signal } = request;
    const union = createUnion();
    const found = copiesIn(held, from, to);
    for (const [first, second] of found) union.join(first, second);
    for (let at: number | undefined = from; at !== undefined; ) {
      signal.throwIfAborted();
      const finding = machine.findPairs(held.name, { from: at, to, least: threshold - MARGIN });
      // A worker that stops does not wait for the process.
      const pairs: Pairs = await unlessAborted(finding, signal);
      onStep();
      for (const pair of await decide(store, set, pairs, { threshold, union, onStep })) found.push(pair);
      at = pairs.next;
    }
    return found;
  }

  return {
    async compare(request) {
      const compare = () => sharing(request, (held) => compareWith(held, request));
      try {
        return await compare();
      } catch (error) {
        if (!(error instanceof MachineEndedError)) throw error;
        // The process was idle for long, or has crashed: the vectors are read again.
        return compare();
      }
    },
    close: () => machine.close(),
  };
}

type Filling = Pick<CompareRequest, 'set' | 'exact' | 'onStep' | 'signal'> & { name: string };

/** Reads the vectors of a set into the machine, in seq order. */
async function fill(store: Store, machine: VectorMachine, filling: Filling): Promise<Held> {
  const { name, set, exact, onStep, signal } = filling;
  await machine.open(name, set.dim);
  try {
    const { copies, count } = await readVectors(store, machine, filling);
    for (let linked = exact ? count : 0; linked < count; ) {
      signal.throwIfAborted();
      linked = await machine.link(name);
      onStep();
    }
    return { name, copies };
  } catch (error) {
    await machine.drop(name).catch(() => undefined);
    throw error;
  }
}

/** Adds one vector of each content. Returns how many it added, and the copies that it left out. */
async function readVectors(
  store: Store,
  machine: VectorMachine,
  { name, set, onStep, signal }: Filling,
): Promise<{ copies: SeqPair[]; count: number }> {
  const firsts = new Map<string, number>();
  const copies: SeqPair[] = [];
  let seqs: number[] = [];
  let vectors = new Float32Array(BATCH * set.dim);
  const add = async () => {
    signal.throwIfAborted();
    if (seqs.length > 0) await machine.add(name, seqs, vectors.slice(0, seqs.length * set.dim));
    onStep();
    seqs = [];
    vectors = new Float32Array(BATCH * set.dim);
  };
  for await (const { seq, vector, content } of currentVectors(store, set)) {
    if (vector.length !== set.dim) continue;
    const first = firsts.get(content);
    if (first !== undefined) {
      copies.push([first, seq]);
      continue;
    }
    firsts.set(content, seq);
    vectors.set(vector, seqs.length * set.dim);
    if (seqs.push(seq) === BATCH) await add();
  }
  await add();
  return { copies, count: firsts.size };
}

const copiesIn = ({ copies }: Held, from: number, to: number): SeqPair[] =>
  copies.filter(([, copy]) => copy >= from && copy < to);

/** Decides about pairs by their stored vectors, the nearest first. Skips those that others have joined. */
async function decide(
  store: Store,
  set: SearchedSet,
  { first, second, scores }: Pairs,
  { threshold, union, onStep }: { threshold: number; union: Union; onStep: () => void },
): Promise<SeqPair[]> {
  const found: SeqPair[] = [];
  const nearestFirst = scores.map((_, i) => i).sort((a, b) => (scores[b] as number) - (scores[a] as number));
  for (let at = 0; at < nearestFirst.length; ) {
    const some: SeqPair[] = [];
    const seqs = new Set<number>();
    for (; at < nearestFirst.length && seqs.size < DECIDED_AT_ONCE; at += 1) {
      const i = nearestFirst[at] as number;
      const pair: SeqPair = [first[i] as number, second[i] as number];
      if (union.areJoined(...pair)) continue;
      some.push(pair);
      for (const seq of pair) seqs.add(seq);
    }
    const vectors = new Map((await vectorsOfSeqs(store, set, [...seqs])).map(({ seq, vector }) => [seq, vector]));
    for (const pair of some) {
      const [a, b] = pair.map((seq) => vectors.get(seq));
      if (a === undefined || b === undefined || cosine(a, b) < threshold - ROUNDING) continue;
      if (union.join(...pair)) found.push(pair);
    }
    onStep();
  }
  return found;
}
