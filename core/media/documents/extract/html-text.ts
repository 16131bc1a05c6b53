import type { Heading } from '../document.ts';
import { checkLength } from '../document-limits.ts';
import { CJK } from './cjk.ts';
import { type Dialect, readTags } from './html-tags.ts';

/** The text of an HTML document. */
export interface HtmlText {
  /** The title element's words. */
  title: string;
  /** Paragraphs are separated by an empty line, and cells of a row by a tab. */
  text: string;
  headings: Heading[];
  /** How many elements there are, and how deep they are nested at most. */
  elements: number;
  depth: number;
}

const setOf = (names: string): ReadonlySet<string> => new Set(names.split(' '));

/** Elements whose content is no text of the document: code, graphics, controls, and readings beside characters. */
const SKIPPED = setOf(
  'script style template noscript iframe object svg canvas audio video select button textarea dialog rt rp',
);
/** All that surrounds the text of a page. A header within an article is part of it. */
const CHROME = setOf('nav footer aside menu');
const CHROME_ROLES = setOf('navigation banner contentinfo search complementary');
const ARTICLES = setOf('main article section');

const PARAGRAPHS = setOf(
  'address article aside blockquote body center details dir div dl fieldset figcaption figure footer form h1 h2 h3 h4 h5 ' +
    'h6 header hgroup hr legend main menu nav ol p pre section summary table ul',
);
const LINES = setOf('caption dd dt li tr');
const CELLS = setOf('td th');
const HEADING = /^h[1-6]$/;
/** Longer ones are whole pages in a heading that is never closed. */
const LONGEST_HEADING = 1000;

/** Elements that need no closing tag. They nest nothing, and nobody knows where a hidden one ends. */
const UNCLOSED = setOf('area base br col embed hr img input link meta source track wbr p li dt dd tr td th option');

/** All that separates words from those before. A stronger one wins. */
const GAPS = ['', ' ', '\t', '\n', '\n\n'] as const;
const NONE = 0;
const SPACE = 1;
const TAB = 2;
const LINE = 3;
const PARAGRAPH = 4;

/** Blanks that mean nothing. Ideographic and zero-width ones stay: they mean something in their scripts. */
const BLANKS = /[ \t\n\f\r\u00a0]+/g;
const SPACELESS_LINE_END = new RegExp(`(?<=${CJK})\\s*[\\r\\n]\\s*(?=${CJK})`, 'gu');
/** Hints where a word may be broken, and byte order marks. */
const INVISIBLE = /[\u00ad\ufeff]/g;

/**
 * The text of HTML. It takes linear time for any nesting and for what is never closed.
 *
 * @param withoutChrome whether navigation, asides, and the page's header and footer are left out
 * @throws ItemError document_too_large
 */
export function htmlText(
  html: string,
  { withoutChrome = false, dialect = 'html' }: { withoutChrome?: boolean; dialect?: Dialect } = {},
): HtmlText {
  const pieces: string[] = [];
  let length = 0;
  let gap = NONE;

  const headings: Heading[] = [];
  let heading: { level: number; at: number; words: string[] } | undefined;
  const title: string[] = [];
  let isInTitle = false;

  let elements = 0;
  let depth = 0;
  let deepest = 0;
  /** The element that is skipped with all that is in it, and how many of its name are open. */
  let skipped: { name: string; open: number } | undefined;
  let preformatted = 0;
  let articles = 0;
  /** For each open table its open cell: where the text of the cell begins, and whether it has several paragraphs. */
  const tables: { cell?: { at: number; isLong: boolean } | undefined }[] = [];

  function write(words: string): void {
    const cell = tables.at(-1)?.cell;
    if (length > 0 && gap !== NONE) {
      if (gap === PARAGRAPH && cell !== undefined && length > cell.at) cell.isLong = true;
      push(GAPS[gap] as string);
      heading?.words.push(' ');
    }
    gap = NONE;
    if (heading?.at === -1) heading.at = length;
    heading?.words.push(words);
    push(words);
  }
  function push(piece: string): void {
    pieces.push(piece);
    length += piece.length;
    checkLength(length);
  }
  function separate(by: number): void {
    gap = Math.max(gap, by);
  }
  function separateBlock(by: number): void {
    // The first paragraph of a cell stays in its row.
    if (tables.at(-1)?.cell?.at !== length) separate(by);
  }
  function endLine(): void {
    separateBlock(gap >= LINE ? PARAGRAPH : LINE);
  }
  function endCell(): void {
    const table = tables.at(-1);
    if (table?.cell?.isLong === false && gap > TAB) gap = TAB;
    if (table !== undefined) table.cell = undefined;
  }
  function endHeading(): void {
    if (heading === undefined) return;
    const words = plain(heading.words.join(''));
    if (words !== '' && words.length <= LONGEST_HEADING)
      headings.push({ at: heading.at, level: heading.level, title: words });
    heading = undefined;
  }

  readTags(html, dialect, {
    open(name, attributes) {
      elements += 1;
      if (!UNCLOSED.has(name)) {
        depth += 1;
        deepest = Math.max(deepest, depth);
      }
      if (skipped !== undefined) {
        if (name === skipped.name) skipped.open += 1;
        return;
      }
      if (ARTICLES.has(name)) articles += 1;
      const isChrome = withoutChrome && isPartOfChrome(name, attributes.role, articles > 0);
      if (isChrome || SKIPPED.has(name) || (isHidden(attributes) && !UNCLOSED.has(name))) {
        skipped = { name, open: 1 };
        return;
      }
      if (name === 'title') isInTitle = title.length === 0;
      else if (name === 'br') endLine();
      else if (CELLS.has(name)) {
        endCell();
        const table = tables.at(-1);
        if (table === undefined) return separate(TAB);
        // The gap ahead of the first cell of a row is its line end.
        separate(TAB);
        table.cell = { at: length, isLong: false };
      } else if (name === 'tr') {
        endCell();
        separate(LINE);
      } else if (PARAGRAPHS.has(name)) {
        if (heading !== undefined && heading.at >= 0) endHeading();
        separateBlock(PARAGRAPH);
      } else if (LINES.has(name)) separateBlock(LINE);
      if (name === 'table') tables.push({});
      if (name === 'pre') preformatted += 1;
      if (HEADING.test(name)) heading = { level: Number(name[1]), at: -1, words: [] };
    },
    close(name) {
      if (!UNCLOSED.has(name)) depth = Math.max(0, depth - 1);
      if (skipped !== undefined) {
        if (name === skipped.name) skipped.open -= 1;
        if (skipped.open === 0) {
          skipped = undefined;
          if (ARTICLES.has(name)) articles = Math.max(0, articles - 1);
        }
        return;
      }
      if (ARTICLES.has(name)) articles = Math.max(0, articles - 1);
      if (name === 'title') isInTitle = false;
      else if (CELLS.has(name)) endCell();
      else if (name === 'table') {
        endCell();
        tables.pop();
        separateBlock(PARAGRAPH);
      } else if (name === 'tr') {
        endCell();
        separate(LINE);
      } else if (PARAGRAPHS.has(name)) separateBlock(PARAGRAPH);
      else if (LINES.has(name)) separateBlock(LINE);
      if (name === 'pre') preformatted = Math.max(0, preformatted - 1);
      if (HEADING.test(name)) endHeading();
    },
    text(raw) {
      if (skipped !== undefined) return;
      const text = raw.replaceAll(INVISIBLE, '');
      if (isInTitle) {
        title.push(text);
        return;
      }
      if (preformatted > 0) {
        for (const [n, line] of text.split(/\r\n|\n|\r/).entries()) {
          if (n > 0) endLine();
          if (line.trim() !== '') write(line);
        }
        return;
      }
      const collapsed = text.replaceAll(SPACELESS_LINE_END, '').replaceAll(BLANKS, ' ');
      if (collapsed.startsWith(' ')) separate(SPACE);
      const words = collapsed.replace(/^ /, '').replace(/ $/, '');
      if (words === '') return;
      write(words);
      if (collapsed.endsWith(' ')) separate(SPACE);
    },
  });
  endHeading();
  return { title: plain(title.join('')), text: pieces.join(''), headings, elements, depth: deepest };
}

const plain = (words: string) => words.replaceAll(/\s+/g, ' ').trim();

function isPartOfChrome(name: string, role: string | undefined, isInArticle: boolean): boolean {
  return CHROME.has(name) || (name === 'header' && !isInArticle) || CHROME_ROLES.has(role?.toLowerCase() ?? '');
}

/** Sphinx and others put a sign beside each heading that links to it. */
function isHidden({
  hidden,
  class: classes = '',
  'aria-hidden': ariaHidden,
}: Readonly<Record<string, string>>): boolean {
  return hidden !== undefined || ariaHidden === 'true' || classes.split(' ').includes('headerlink');
}
