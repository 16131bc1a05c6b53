import type { ExtractedDocument, Heading } from '../document.ts';
import { type Line, linesOf } from './lines.ts';

/** Headings are shorter, and are cut here. This also bounds the work of the expressions below. */
const LONGEST_HEADING = 1000;

const ATX = /^ {0,3}(#{1,6})(?:[ \t]+|$)/;
const ATX_END = /(?:^|[ \t])#+[ \t]*$/;
const SETEXT = /^ {0,3}(=+|-+)[ \t]*$/;
const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/;
/** Lines of a list, a quote or a table. A row of dashes below one is a rule, and no underline. */
const BLOCK = /^ {0,3}(?:(?:[-*+]|\d{1,9}[.)])(?:\s|$)|[>|])/;
/** Code, unless it goes on with a paragraph. */
const INDENTED = /^(?: {4}|\t)/;
const FRONT_MATTER: Readonly<Record<string, RegExp>> = {
  '---': /^title[ \t]*:[ \t]*(.+)$/,
  '+++': /^title[ \t]*=[ \t]*(.+)$/,
};
const FRONT_MATTER_LINES = 200;

/** Markdown as it is, with its headings (ATX and setext). The title is the front matter's, else the first heading. */
export function extractMarkdown(text: string): ExtractedDocument {
  const lines = [...linesOf(text)];
  const front = readFrontMatter(text, lines);
  const headings = findHeadings(text, lines.slice(front.lines));
  const title = front.title ?? headings.find(({ level }) => level === 1)?.title;
  return { format: 'markdown', ...(title !== undefined && { title }), text, headings };
}

function readFrontMatter(text: string, lines: readonly Line[]): { lines: number; title?: string } {
  const words = (line: Line) => text.slice(line.start, line.end).trimEnd();
  const fence = lines[0] === undefined ? '' : words(lines[0]);
  const titleLine = FRONT_MATTER[fence];
  if (titleLine === undefined) return { lines: 0 };
  const end = lines.findIndex((line, n) => n > 0 && n < FRONT_MATTER_LINES && words(line) === fence);
  if (end < 0) return { lines: 0 };
  const title = lines
    .slice(1, end)
    .map((line) => titleLine.exec(words(line))?.[1])
    .find((found) => found !== undefined)
    ?.trim()
    .replace(/^(["'])(.*)\1$/, '$2');
  return { lines: end + 1, ...(title && { title }) };
}

function findHeadings(text: string, lines: readonly Line[]): Heading[] {
  const headings: Heading[] = [];
  let fence: string | undefined;
  /** The place where the present paragraph begins. */
  let paragraph: number | undefined;
  /** Whether the line before belongs to a list, a quote or a table, which a line of words goes on with. */
  let isInBlock = false;

  function add(at: number, level: number, words: string): void {
    const title = plainWords(words);
    if (title !== '') headings.push({ at, level, title });
    endParagraph();
  }
  function endParagraph(): void {
    paragraph = undefined;
    isInBlock = false;
  }

  for (const { start, end } of lines) {
    const line = text.slice(start, Math.min(end, start + LONGEST_HEADING));
    const mark = FENCE.exec(line);
    if (fence !== undefined) {
      if (mark?.[1]?.startsWith(fence) && mark[2]?.trim() === '') fence = undefined;
      continue;
    }
    // A backtick behind the mark makes it inline code.
    if (mark !== null && !(mark[1]?.startsWith('`') && mark[2]?.includes('`'))) {
      fence = mark[1] as string;
      endParagraph();
      continue;
    }
    const atx = ATX.exec(line);
    if (atx !== null) {
      add(start, (atx[1] as string).length, line.slice(atx[0].length).replace(ATX_END, ''));
      continue;
    }
    const underline = SETEXT.exec(line);
    if (underline !== null && paragraph !== undefined && start - paragraph <= LONGEST_HEADING) {
      add(paragraph, underline[1]?.startsWith('=') ? 1 : 2, text.slice(paragraph, start));
      continue;
    }
    if (line.trim() === '') endParagraph();
    else if (BLOCK.test(line)) {
      endParagraph();
      isInBlock = true;
    } else if (!isInBlock && (paragraph !== undefined || !INDENTED.test(line))) paragraph ??= start;
  }
  return headings;
}

/** The words of a heading without the marks of emphasis, code, links and pictures, on one line. */
function plainWords(words: string): string {
  return words
    .replaceAll(/!?\[([^\][]*)\]\([^()]*\)/g, '$1')
    .replaceAll(/(?<!\\)(?:`+|\*+|(?<!\w)_+|_+(?!\w))/g, '')
    .replaceAll(/\\([!-/:-@[-`{-~])/g, '$1')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
