import { unpackWords } from '../../packed-words.ts';

/** Texts that were found, best first, and their scores. */
export interface FoundTexts {
  seqs: number[];
  scores: number[];
  /** Whether these are all that have one of the words. */
  all: boolean;
}

/**
 * An inverted index in memory: for each word, the texts that have it. Texts are scored by BM25 (Robertson and Zaragoza,
 * 2009, "The Probabilistic Relevance Framework: BM25 and Beyond").
 */
export interface Postings {
  /** Texts that are not replaced. */
  readonly count: number;
  /** About how many bytes it takes. */
  readonly bytes: number;
  /** Adds texts as `packWords` gives them. A later text of a seq replaces an earlier one. */
  add(seqs: readonly number[], texts: readonly Uint8Array[]): void;
  /** Finds up to `count` texts that have a word with one of these hashes, `among` these seqs if given. */
  find(hashes: readonly number[], count: number, among?: readonly number[]): FoundTexts;
}

/** How soon further occurrences of a word in a text stop to count, and how much long texts lose: the usual values. */
const K1 = 1.2;
const B = 0.75;

/** A row and its count, with room to grow; a map's entry, an object and two arrays. */
const BYTES_AN_ENTRY = 8;
const BYTES_A_WORD = 400;

/** The texts that have a word, and how often: rows in ascending order. */
interface Posting {
  rows: Uint32Array<ArrayBuffer>;
  times: Uint8Array<ArrayBuffer>;
  length: number;
}

export function createPostings(): Postings {
  const postings = new Map<number, Posting>();
  /** The seq and the number of words of each row. */
  const seqs: number[] = [];
  const lengths: number[] = [];
  const rowOf = new Map<number, number>();
  let words = 0;
  let size = 0;
  let scores = new Float32Array(0);

  function addText(seq: number, bytes: Uint8Array): void {
    const row = seqs.length;
    const before = rowOf.get(seq);
    if (before !== undefined) words -= lengths[before] as number;
    let length = 0;
    unpackWords(bytes, (hash, times) => {
      append(postings, hash, row, times);
      length += times;
      size += 1;
    });
    seqs.push(seq);
    lengths.push(length);
    rowOf.set(seq, row);
    words += length;
  }

  const isCurrent = (row: number) => rowOf.get(seqs[row] as number) === row;

  return {
    get count() {
      return rowOf.size;
    },
    get bytes() {
      return size * BYTES_AN_ENTRY + postings.size * BYTES_A_WORD;
    },
    add(some, texts) {
      for (const [i, seq] of some.entries()) addText(seq, texts[i] as Uint8Array);
    },
    find(hashes, wanted, among) {
      if (scores.length < seqs.length) scores = new Float32Array(Math.max(1024, 2 * seqs.length));
      const mean = words / Math.max(1, rowOf.size);
      const touched: number[] = [];
      for (const hash of hashes) {
        const posting = postings.get(hash);
        if (posting === undefined) continue;
        const { rows, times, length } = posting;
        const idf = Math.log(1 + (rowOf.size - Math.min(length, rowOf.size) + 0.5) / (length + 0.5));
        for (let i = 0; i < length; i += 1) {
          const row = rows[i] as number;
          const often = times[i] as number;
          if (scores[row] === 0) touched.push(row);
          const long = K1 * (1 - B + (B * (lengths[row] as number)) / mean);
          scores[row] = (scores[row] as number) + (idf * often * (K1 + 1)) / (often + long);
        }
      }
      const only = among === undefined ? undefined : new Set(among);
      const best = createBest(wanted);
      let found = 0;
      for (const row of touched) {
        const seq = seqs[row] as number;
        if (isCurrent(row) && only?.has(seq) !== false) {
          found += 1;
          best.add(scores[row] as number, seq);
        }
        scores[row] = 0;
      }
      return { ...best.inOrder(), all: found <= wanted };
    },
  };
}

function append(postings: Map<number, Posting>, hash: number, row: number, times: number): void {
  let posting = postings.get(hash);
  if (posting === undefined) {
    posting = { rows: new Uint32Array(2), times: new Uint8Array(2), length: 0 };
    postings.set(hash, posting);
  } else if (posting.length === posting.rows.length) {
    const rows = new Uint32Array(2 * posting.length);
    const often = new Uint8Array(2 * posting.length);
    rows.set(posting.rows);
    often.set(posting.times);
    posting.rows = rows;
    posting.times = often;
  }
  posting.rows[posting.length] = row;
  posting.times[posting.length] = times;
  posting.length += 1;
}

/** Keeps the best of many: a heap whose root is the worst one that is kept. */
function createBest(most: number) {
  const heap: { score: number; seq: number }[] = [];
  /** The higher score is better; of equal ones, the lower seq. */
  const isWorse = (a: { score: number; seq: number }, b: { score: number; seq: number }) =>
    a.score < b.score || (a.score === b.score && a.seq > b.seq);
  const at = (i: number) => heap[i] as { score: number; seq: number };

  function sink(i: number): void {
    for (let here = i; ; ) {
      let worst = here;
      for (const child of [2 * here + 1, 2 * here + 2])
        if (child < heap.length && isWorse(at(child), at(worst))) worst = child;
      if (worst === here) return;
      [heap[here], heap[worst]] = [at(worst), at(here)];
      here = worst;
    }
  }

  function rise(i: number): void {
    for (let here = i; here > 0; ) {
      const parent = (here - 1) >> 1;
      if (!isWorse(at(here), at(parent))) return;
      [heap[here], heap[parent]] = [at(parent), at(here)];
      here = parent;
    }
  }

  return {
    add(score: number, seq: number): void {
      const one = { score, seq };
      if (heap.length < most) {
        heap.push(one);
        rise(heap.length - 1);
      } else if (most > 0 && isWorse(at(0), one)) {
        heap[0] = one;
        sink(0);
      }
    },
    inOrder(): { seqs: number[]; scores: number[] } {
      const sorted = heap.sort((a, b) => (isWorse(a, b) ? 1 : -1));
      return { seqs: sorted.map(({ seq }) => seq), scores: sorted.map(({ score }) => score) };
    },
  };
}
