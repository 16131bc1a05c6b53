import type { ExtractedDocument } from '../document.ts';
import type { Chunk, Chunking } from './chunking.ts';
import { countTokens } from './count-tokens.ts';
import { paragraphs, type Range, sentences, words } from './pieces.ts';
import { type Section, sectionsOf } from './sections.ts';
import { readTokenCounter } from './token-counter.ts';

/** Cuts a document into chunks, in order. They cover all of its text but white space, and what has no word. */
export type Chunker = (document: ExtractedDocument) => Chunk[];

/**
 * Creates a chunker. A chunk ends where a section does; else at the end of a paragraph; else of a sentence; else of a
 * word.
 *
 * @throws ModelInvalidError when the tokenizer's files can't be used
 */
export async function createChunker(chunking: Chunking): Promise<Chunker> {
  const { tokenizer } = chunking;
  const count = tokenizer === undefined ? countTokens : await readTokenCounter(tokenizer);
  const measure = measureOf(chunking, count);
  return (document) =>
    sectionsOf(document).flatMap((section) =>
      [...packed(document.text, section, measure)].flatMap(({ start, end }): Chunk[] => {
        const text = document.text.slice(start, end);
        // Rules and borders of tables are nothing that anybody looks for.
        if (!WORD.test(text)) return [];
        const page = pageAt(document.pages, start);
        const chunk: Chunk = {
          text,
          start,
          end,
          headings: section.headings,
          ...(page === undefined ? {} : { page }),
          ...(section.record === undefined ? {} : { record: section.record }),
          tokens: count(text),
        };
        return [chunk];
      }),
    );
}

const WORD = /[\p{L}\p{N}]/u;

/** How much of a chunk pieces take. */
interface Measure {
  size: number;
  overlap: number;
  /** The most code units that surely fit, so that longer words are cut. */
  longestWord: number;
  of(text: string, range: Range & { isPart?: true }): number;
  /** From the first piece to the last one. */
  ofAll(pieces: readonly Piece[]): number;
}

interface Piece extends Range {
  amount: number;
}

function measureOf({ size, overlap, unit }: Chunking, count: (text: string) => number): Measure {
  const bounds = { size, overlap: Math.min(overlap, Math.floor(size / 2)) };
  if (unit === 'characters')
    return {
      ...bounds,
      longestWord: size,
      of: (_, { start, end }) => end - start,
      ofAll: (pieces) => (pieces.at(-1)?.end ?? 0) - (pieces[0]?.start ?? 0),
    };
  return {
    ...bounds,
    // No tokenizer gives more than four tokens for a code unit: the bytes of its UTF-8.
    longestWord: Math.max(1, Math.floor(size / 4)),
    // Parts of a word together may have more tokens than one by one.
    of: (text, { start, end, isPart }) =>
      Math.max(count(text.slice(start, end)), isPart ? Math.ceil((end - start) / FEWEST_UNITS_A_TOKEN) : 0),
    // White space between pieces is no token.
    ofAll: (pieces) => pieces.reduce((sum, { amount }) => sum + amount, 0),
  };
}

/** An unknown word has about one token for so many letters. */
const FEWEST_UNITS_A_TOKEN = 3;

/** A chunk that is at least so full ends at a paragraph; a paragraph that does not fit into an emptier one is cut. */
const FULL = 0.5;

/** The ranges of a section's chunks. */
function* packed(text: string, section: Section, measure: Measure): Generator<Range> {
  let pieces: Piece[] = [];
  /** How many of the pieces the chunk before has, too. */
  let shared = 0;
  const rest = [...piecesOf(text, paragraphs(text, section), measure)].reverse();
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (measure.ofAll([...pieces, next]) <= measure.size) {
      pieces.push(next);
      continue;
    }
    const smaller = measure.ofAll(pieces) < FULL * measure.size ? cut(text, next, measure) : [];
    if (smaller.length > 1) {
      rest.push(...smaller.reverse());
    } else if (pieces.length === 0) {
      // It can't be cut.
      pieces.push(next);
    } else if (pieces.length === shared) {
      // All that the chunk before ended with leaves no room.
      pieces.shift();
      shared -= 1;
      rest.push(next);
    } else {
      yield rangeOf(pieces);
      pieces = tail(text, pieces, measure);
      shared = pieces.length;
      rest.push(next);
    }
  }
  if (pieces.length > shared) yield rangeOf(pieces);
}

const rangeOf = (pieces: readonly Piece[]): Range => ({
  start: (pieces[0] as Piece).start,
  end: (pieces.at(-1) as Piece).end,
});

function* piecesOf(text: string, ranges: Iterable<Range & { isPart?: true }>, measure: Measure): Generator<Piece> {
  for (const range of ranges) yield { ...range, amount: measure.of(text, range) };
}

/** The parts of a piece: its sentences, or if it is one, its words. */
function cut(text: string, piece: Piece, measure: Measure): Piece[] {
  const inSentences = [...piecesOf(text, sentences(text, piece), measure)];
  if (inSentences.length > 1) return inSentences;
  return piece.amount <= measure.size ? [piece] : [...piecesOf(text, words(text, piece, measure.longestWord), measure)];
}

/** The sentences at the end of a chunk that fit into the overlap. */
function tail(text: string, pieces: readonly Piece[], measure: Measure): Piece[] {
  let kept: Piece[] = [];
  for (const piece of pieces.toReversed()) {
    for (const part of (piece.amount > measure.overlap ? cut(text, piece, measure) : [piece]).toReversed()) {
      if (measure.ofAll([part, ...kept]) > measure.overlap) return kept;
      kept = [part, ...kept];
    }
  }
  // A chunk must not repeat all of the one before.
  return kept.slice(1);
}

/** The page of an offset, from 1. */
function pageAt(pages: readonly number[] | undefined, at: number): number | undefined {
  if (pages === undefined) return undefined;
  let low = 0;
  for (let high = pages.length; low < high; ) {
    const middle = (low + high) >> 1;
    if ((pages[middle] as number) <= at) low = middle + 1;
    else high = middle;
  }
  return Math.max(1, low);
}
