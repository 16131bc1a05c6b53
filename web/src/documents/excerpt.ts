import type { ChunkMetadata } from '../medium.ts';
import { bodyStart } from './headings.ts';
import { type Piece, piecesOf, type Range } from './marked.ts';

/** The most characters of an excerpt. A card shows as many lines of it as fit. */
const LONGEST = 700;
/** Marks within so many characters are seen at once. */
const VIEW = 220;
/** So much of the text before the first mark is shown. */
const LEAD = 60;

/** The beginning of a chunk behind its headings, or if words of it are marked, where most marks are. */
export function excerptOf({ text, headings, format }: ChunkMetadata, marks: readonly Range[] = []): Piece[] {
  const body = bodyStart(text, headings);
  // A chunk may be a heading and nothing else.
  const start = body < text.length ? body : 0;
  const from = marks.length === 0 ? start : beginningFor(text, start, marks);
  const shown = text.slice(from, from + LONGEST);
  const pieces = piecesOf(
    shown,
    marks.map(([a, b]) => [a - from, b - from]),
  );
  const plain = format === 'markdown' ? pieces.map((piece) => ({ ...piece, text: withoutSigns(piece.text) })) : pieces;
  return [...(from > start ? [{ text: '… ', marked: false }] : []), ...plain].filter(({ text }) => text !== '');
}

/** Markdown without the rules of its tables and its marks of emphasis and code, which say nothing in a few lines. */
const withoutSigns = (text: string) =>
  text
    .replaceAll(/(?<=[|\s]|^):?-{3,}:?(?=[|\s]|$)/g, '')
    .replaceAll(/(?:\|\s*)+/g, (bars) => (bars.length > 2 ? ' · ' : '· '))
    .replaceAll(/\*\*|`+/g, '');

function beginningFor(text: string, start: number, marks: readonly Range[]): number {
  const first = marks[densest(marks)]?.[0] ?? start;
  if (first - start <= LEAD * 2) return start;
  const from = first - LEAD;
  const space = text.slice(from, first).search(/\s/);
  return space < 0 ? from : from + space + 1;
}

/** The first of the marks that stand closest together. */
function densest(marks: readonly Range[]): number {
  let [best, most] = [0, 0];
  for (let i = 0, end = 0; i < marks.length; i += 1) {
    while (end < marks.length && (marks[end]?.[1] ?? 0) - (marks[i]?.[0] ?? 0) <= VIEW) end += 1;
    if (end - i > most) [best, most] = [i, end - i];
  }
  return best;
}
