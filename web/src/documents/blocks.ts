import type { DocumentChunk } from '../api/shapes.ts';
import { isMonospaced } from '../medium.ts';
import { headingsAtStart } from './headings.ts';
import { type Piece, piecesOf, type Range } from './marked.ts';
import { placeWords } from './place-words.ts';

/** A part of a document as it is shown. Offsets are those of the document's text. */
export interface Block {
  kind: 'heading' | 'paragraph' | 'code' | 'place';
  /** Unique and stable while chunks are added at both ends. */
  key: string;
  start: number;
  end: number;
  text: string;
  /** Level of a heading: 0 for an outermost one. */
  depth: number;
}

/** A run of chunks as one text. `text[0]` is at the offset `start`. */
interface Run {
  text: string;
  start: number;
}

/** Puts neighbouring chunks together: their text without the overlaps, cut into headings and paragraphs, with pages. */
export function blocksOf(chunks: readonly DocumentChunk[], format: string): Block[] {
  const [first] = chunks;
  if (first === undefined) return [];
  const run = { text: stitched(chunks, isMonospaced(format)), start: first.start };
  const marks = chunks
    .flatMap((chunk, i) => landmarksOf(chunk, chunks[i - 1], format))
    .sort((a, b) => a.start - b.start);
  const blocks: Block[] = [];
  let at = run.start;
  for (const mark of marks) {
    blocks.push(...paragraphsOf(run, at, mark.start, format), mark);
    at = Math.max(at, mark.end);
  }
  return [...blocks, ...paragraphsOf(run, at, run.start + run.text.length, format)];
}

/** The headings, the page and the record that begin with a chunk. */
function landmarksOf(chunk: DocumentChunk, before: DocumentChunk | undefined, format: string): Block[] {
  const { start, text, headings } = chunk;
  const found: Block[] = [];
  const place = placeWords(chunk, format);
  if (place !== '' && (before === undefined || place !== placeWords(before, format)))
    found.push({ kind: 'place', key: `place ${start}`, start, end: start, text: place, depth: 0 });
  // Only a section's first chunk does not begin with the end of another one.
  if (before !== undefined && start < before.end) return found;
  const shared = before === undefined ? 0 : sharedLength(before.headings, headings);
  const isNewSection = before === undefined ? chunk.part === 0 : shared < headings.length;
  const lines = headingsAtStart(text, headings, isNewSection ? shared : Math.max(0, headings.length - 1));
  const heading = (depth: number, title: string, from: number, to: number): Block => ({
    kind: 'heading',
    key: `heading ${from}`,
    start: from,
    end: to,
    text: title,
    depth,
  });
  found.push(...lines.map((line) => heading(line.depth, line.title, start + line.start, start + line.end)));
  // The outer headings of a text that begins in the midst of a document.
  if (before === undefined && chunk.part > 0)
    found.unshift(
      ...headings
        .slice(0, lines[0]?.depth ?? headings.length)
        .map((title, depth): Block => ({ ...heading(depth, title, start, start), key: `above ${depth} ${start}` })),
    );
  // The words of the heading may stand elsewhere.
  const [depth, title] = [headings.length - 1, headings.at(-1)];
  if (lines.length === 0 && isNewSection && title !== undefined) found.push(heading(depth, title, start, start));
  return found;
}

function sharedLength(a: readonly string[], b: readonly string[]): number {
  const differs = b.findIndex((title, i) => title !== a[i]);
  return differs < 0 ? b.length : differs;
}

/** The text of chunks without what they share. Between two chunks is white space, whose signs are not stored. */
function stitched(chunks: readonly DocumentChunk[], monospaced: boolean): string {
  let text = '';
  const base = chunks[0]?.start ?? 0;
  for (const chunk of chunks) {
    const gap = chunk.start - base - text.length;
    text += gap > 0 ? spaceOf(gap, monospaced) : '';
    text += chunk.text.slice(Math.max(0, -gap));
  }
  return text;
}

/** As many signs as there were: a space, or a line's end and perhaps a blank line. Code goes on with its indentation. */
function spaceOf(length: number, monospaced: boolean): string {
  if (length === 1) return monospaced ? '\n' : ' ';
  const lines = monospaced && length % 2 === 1 ? 1 : 2;
  return `${'\n'.repeat(lines)}${' '.repeat(length - lines)}`;
}

const BLANK_LINES = /\n(?:[^\S\n]*\n)+/g;
/** In Markdown, a line that ends within a paragraph ends nothing, unless a list, a quote or a row of a table follows. */
const WRAPPED = /(?<! {2})\n(?=[^\S\n]*(?!(?:[-*+]|\d{1,9}[.)])\s|[|>])\S)/g;
/** In Markdown, blank lines in fenced code separate nothing. A fence that is not closed is none: its end may be elsewhere. */
const CODE_OR_BLANK_LINES =
  /(?<=^|\n) {0,3}(`{3,}|~{3,})[^\n]*\n(?:[\s\S]*?\n)?? {0,3}\1[^\S\n]*(?=\n|$)|\n(?:[^\S\n]*\n)+/g;

/** The paragraphs between two offsets: what blank lines separate. */
function paragraphsOf({ text, start }: Run, from: number, to: number, format: string): Block[] {
  const blocks: Block[] = [];
  const kindOf = isMonospaced(format) ? 'code' : 'paragraph';
  const add = (a: number, b: number, kind: Block['kind']) => {
    const words = text.slice(a - start, b - start);
    if (words.trim() === '') return;
    // The first line of code may be indented.
    const lead = /^(?:[^\S\n]*\n)*/.exec(words)?.[0].length ?? 0;
    const shown = words.slice(lead).trimEnd();
    const flows = kind === 'paragraph' && format === 'markdown';
    blocks.push({
      kind,
      key: `text ${a + lead}`,
      start: a + lead,
      end: b,
      text: flows ? shown.replaceAll(WRAPPED, ' ') : shown,
      depth: 0,
    });
  };
  let at = from;
  const between = text.slice(from - start, Math.max(from, to) - start);
  for (const { index, 0: found, 1: fence } of between.matchAll(
    format === 'markdown' ? CODE_OR_BLANK_LINES : BLANK_LINES,
  )) {
    add(at, from + index, kindOf);
    at = from + index + found.length;
    if (fence !== undefined) add(from + index, at, 'code');
  }
  add(at, to, kindOf);
  return blocks;
}

/** A piece of a block. `lit` belongs to the passage that was opened. */
export interface LitPiece extends Piece {
  lit: boolean;
}

/** The pieces of a block: what of it belongs to a passage, and which words are marked. Ranges are offsets of the document. */
export function litPieces({ start, text }: Block, passage: Range | undefined, marks: readonly Range[]): LitPiece[] {
  const [from, to] = passage === undefined ? [0, 0] : [passage[0] - start, passage[1] - start];
  const cuts = [0, Math.min(Math.max(0, from), text.length), Math.min(Math.max(0, to), text.length), text.length];
  return cuts.slice(1).flatMap((end, i) => {
    const begin = cuts[i] as number;
    const own = marks.map(([a, b]): Range => [a - start - begin, b - start - begin]);
    return piecesOf(text.slice(begin, end), own).map((piece) => ({ ...piece, lit: i === 1 }));
  });
}
