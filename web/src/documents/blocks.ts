import type { DocumentChunk } from '../api/shapes.ts';
import { isMonospaced } from '../medium.ts';
import { headingsAtStart } from './headings.ts';
import { type Piece, piecesOf, type Range } from './marked.ts';
import { placeWords } from './place-words.ts';

/** A part of a document as it is shown. Offsets are those of the document's text. */
export interface Block {
  kind: 'heading' | 'paragraph' | 'place';
  /** Unique and stable while chunks are added at both ends. */
  key: string;
  start: number;
  end: number;
  text: string;
  /** Of a heading: 0 for an outermost one. */
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
    blocks.push(...paragraphsOf(run, at, mark.start), mark);
    at = Math.max(at, mark.end);
  }
  return [...blocks, ...paragraphsOf(run, at, run.start + run.text.length)];
}

/** The headings, the page and the record that begin with a chunk. */
function landmarksOf(chunk: DocumentChunk, before: DocumentChunk | undefined, format: string): Block[] {
  const { start, text, headings } = chunk;
  const found: Block[] = [];
  const place = placeWords(chunk, format);
  if (place !== '' && (before === undefined || place !== placeWords(before, format)))
    found.push({ kind: 'place', key: `place ${place}`, start, end: start, text: place, depth: 0 });
  // Only a section's first chunk does not begin with the end of another one.
  if (before !== undefined && start < before.end) return found;
  const shared = before === undefined ? 0 : sharedLength(before.headings, headings);
  const isNewSection = before === undefined ? chunk.part === 0 : shared < headings.length;
  const lines = headingsAtStart(text, headings, isNewSection ? shared : Math.max(0, headings.length - 1));
  const heading = (depth: number, from: number, to: number): Block => ({
    kind: 'heading',
    key: `heading ${from}`,
    start: from,
    end: to,
    text: headings[depth] ?? '',
    depth,
  });
  found.push(...lines.map((line) => heading(line.depth, start + line.start, start + line.end)));
  // The words of the heading may stand elsewhere.
  if (lines.length === 0 && isNewSection && headings.length > 0) found.push(heading(headings.length - 1, start, start));
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

/** The paragraphs between two offsets: what blank lines separate. */
function paragraphsOf({ text, start }: Run, from: number, to: number): Block[] {
  const paragraphs: Block[] = [];
  const add = (a: number, b: number) => {
    const words = text.slice(a - start, b - start);
    if (words.trim() === '') return;
    // The first line of code may be indented.
    const lead = /^(?:[^\S\n]*\n)*/.exec(words)?.[0].length ?? 0;
    const key = `paragraph ${a + lead}`;
    paragraphs.push({ kind: 'paragraph', key, start: a + lead, end: b, text: words.slice(lead).trimEnd(), depth: 0 });
  };
  let at = from;
  for (const { index, 0: blank } of text.slice(from - start, Math.max(from, to) - start).matchAll(BLANK_LINES)) {
    add(at, from + index);
    at = from + index + blank.length;
  }
  add(at, to);
  return paragraphs;
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
