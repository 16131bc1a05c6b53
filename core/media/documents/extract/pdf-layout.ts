import type { Heading } from '../document.ts';
import { CJK } from './cjk.ts';
import type { PdfLine } from './pdf-lines.ts';

/** Lines further apart than this many usual distances are of two paragraphs. */
const PARAGRAPH_GAP = 1.35;
/** A line that ends this far to the right, of its paragraph's width, goes on in the next line. */
const FULL_LINE = 0.75;
/** A heading's letters are this much larger than most of the document's. */
const HEADING_SIZE = 1.15;
const LONGEST_HEADING = 200;
const MOST_LEVELS = 6;

const SPACELESS = new RegExp(`${CJK}\n${CJK}`, 'u');
const BROKEN_WORD = /(\p{L}+)([-\u00ad\u2010])\n(\p{Ll}\p{L}*)/u;
const SOFT_HYPHEN = '\u00ad';

/** The text of a PDF. */
export interface PdfText {
  text: string;
  headings: Heading[];
  /** The place where each page begins. */
  starts: number[];
}

/** Makes paragraphs and headings of the lines of pages. Paragraphs are separated by an empty line. */
export function layOut(pages: readonly (readonly PdfLine[])[]): PdfText {
  const bodySize = usualSize(pages);
  const levels = headingLevels(pages, bodySize);
  const vocabulary = wordsOf(pages);
  const pieces: string[] = [];
  const headings: Heading[] = [];
  const starts: number[] = [];
  let length = 0;

  for (const page of pages) {
    const paragraphs = paragraphsOf(page);
    for (const [n, lines] of paragraphs.entries()) {
      if (length > 0) {
        pieces.push('\n\n');
        length += 2;
      }
      if (n === 0) starts.push(length);
      const words = joinLines(lines, page, vocabulary);
      const level = words.length <= LONGEST_HEADING && /\p{L}/u.test(words) ? levels.get(sizeOf(lines)) : undefined;
      if (level !== undefined) headings.push({ at: length, level, title: words.replaceAll('\n', ' ') });
      pieces.push(words);
      length += words.length;
    }
    // A page without text begins where the next one does.
    if (paragraphs.length === 0) starts.push(length);
  }
  return { text: pieces.join(''), headings, starts };
}

const rounded = (size: number) => Math.round(size * 2) / 2;
const sizeOf = (lines: readonly PdfLine[]) => rounded(lines[0]?.size ?? 0);

/** The size of most letters. */
function usualSize(pages: readonly (readonly PdfLine[])[]): number {
  const characters = new Map<number, number>();
  for (const page of pages)
    for (const { size, words } of page)
      characters.set(rounded(size), (characters.get(rounded(size)) ?? 0) + words.length);
  return [...characters].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 0;
}

/** The level of each size that is larger than the body's: the largest is level 1. */
function headingLevels(pages: readonly (readonly PdfLine[])[], bodySize: number): Map<number, number> {
  const sizes = new Set(pages.flatMap((page) => page.map(({ size }) => rounded(size))));
  const larger = [...sizes].filter((size) => size >= HEADING_SIZE * bodySize).sort((a, b) => b - a);
  return new Map(larger.map((size, n) => [size, Math.min(n + 1, MOST_LEVELS)]));
}

function paragraphsOf(page: readonly PdfLine[]): PdfLine[][] {
  const usualGap = usualGapOf(page);
  const paragraphs: PdfLine[][] = [];
  for (const [n, line] of page.entries()) {
    const before = page[n - 1];
    if (before !== undefined && !startsParagraph(before, line, paragraphs.at(-1) as PdfLine[], usualGap))
      paragraphs.at(-1)?.push(line);
    else paragraphs.push([line]);
  }
  return paragraphs;
}

/** The usual distance of two lines, in sizes of their letters. */
function usualGapOf(page: readonly PdfLine[]): number {
  const gaps = page
    .slice(1)
    .map((line, n) => ((page[n] as PdfLine).y - line.y) / line.size)
    .filter((gap) => gap > 0 && gap < 3)
    .sort((a, b) => a - b);
  // A third from the shortest: where paragraphs are single lines, half of the distances are those between paragraphs.
  return gaps[Math.floor(gaps.length / 3)] ?? 1.2;
}

function startsParagraph(before: PdfLine, line: PdfLine, paragraph: readonly PdfLine[], usualGap: number): boolean {
  const gap = (before.y - line.y) / line.size;
  // Above the line before: another column.
  if (gap <= 0 || gap > PARAGRAPH_GAP * usualGap) return true;
  if (rounded(before.size) !== rounded(line.size) && Math.abs(before.size - line.size) > 0.1 * line.size) return true;
  const [first] = paragraph as [PdfLine];
  const left = Math.min(first.left, before.left);
  const right = Math.max(first.right, before.right, line.right);
  return line.left > left + 0.8 * line.size && !isFull(before, left, right);
}

const isFull = (line: PdfLine, left: number, right: number) => line.right >= left + FULL_LINE * (right - left);

/** Joins the lines of a paragraph where they were wrapped. Short lines, as of a list or an address, stay lines. */
function joinLines(lines: readonly PdfLine[], page: readonly PdfLine[], vocabulary: ReadonlySet<string>): string {
  const { left, right } = columnOf(lines, page);
  let text = '';
  for (const [n, line] of lines.entries()) {
    if (n === 0) text = line.words;
    else if (isFull(lines[n - 1] as PdfLine, left, right) || BROKEN_WORD.test(seamOf(text, line.words)))
      text = joinWrapped(text, line.words, vocabulary);
    else text += `\n${line.words}`;
  }
  return text;
}

/** The bounds of the lines that begin about where this paragraph does. */
function columnOf(lines: readonly PdfLine[], page: readonly PdfLine[]): { left: number; right: number } {
  const left = lines.reduce((least, line) => Math.min(least, line.left), Number.POSITIVE_INFINITY);
  const near = 5 * (lines[0]?.size ?? 0);
  const rights = page.filter((line) => Math.abs(line.left - left) <= near).map((line) => line.right);
  return { left, right: rights.reduce((most, right) => Math.max(most, right), 0) };
}

/** The longest word that is put together again. It also bounds what is looked at. */
const LONGEST_WORD = 60;

const seamOf = (before: string, after: string) => `${before.slice(-LONGEST_WORD)}\n${after.slice(0, LONGEST_WORD)}`;

function joinWrapped(before: string, after: string, vocabulary: ReadonlySet<string>): string {
  const seam = seamOf(before, after);
  const [, start, hyphen, end] = BROKEN_WORD.exec(seam) ?? [];
  if (start === undefined || end === undefined) return before + (SPACELESS.test(seam) ? '' : ' ') + after;
  // The hyphen goes only if it is known to be none of the word's own: it is soft, or the word is elsewhere without it.
  const isWrapped = hyphen === SOFT_HYPHEN || vocabulary.has((start + end).toLowerCase());
  return (isWrapped ? before.slice(0, -1) : before) + after;
}

/** All words that are not broken at a line's end. */
function wordsOf(pages: readonly (readonly PdfLine[])[]): Set<string> {
  const words = new Set<string>();
  for (const page of pages)
    for (const line of page) for (const [word] of line.words.matchAll(/\p{L}{4,}/gu)) words.add(word.toLowerCase());
  return words;
}
