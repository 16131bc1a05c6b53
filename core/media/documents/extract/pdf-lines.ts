/** A line of a page. Sizes and places are in points, from the page's lower left corner. */
export interface PdfLine {
  words: string;
  left: number;
  right: number;
  /** The baseline. */
  y: number;
  /** The size of most of its letters. */
  size: number;
}

/** An item of a page, as PDF.js gives them in the order in which they are drawn. Some are marks without text. */
type Item = { str: string; transform: number[]; width: number; height: number; hasEOL: boolean } | { type: string };

/** The lines of a page in the order in which they are drawn, which is the order of reading for nearly all programs. */
export function linesOfPage(items: readonly Item[]): PdfLine[] {
  const lines: PdfLine[] = [];
  let pieces: Extract<Item, { str: string }>[] = [];

  function endLine(): void {
    const line = lineOf(pieces);
    if (line !== undefined) lines.push(line);
    pieces = [];
  }
  for (const item of items) {
    if (!('str' in item)) continue;
    pieces.push(item);
    if (item.hasEOL) endLine();
  }
  endLine();
  return lines;
}

function lineOf(pieces: readonly Extract<Item, { str: string }>[]): PdfLine | undefined {
  const words = pieces
    .map(({ str }) => str)
    .join('')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const visible = pieces.filter(({ str }) => str.trim() !== '');
  const [longest] = visible.toSorted((a, b) => b.str.length - a.str.length);
  if (words === '' || longest === undefined) return undefined;
  const lefts = visible.map(({ transform }) => transform[4] as number);
  return {
    words,
    left: Math.min(...lefts),
    right: Math.max(...visible.map(({ width }, n) => (lefts[n] as number) + width)),
    y: longest.transform[5] as number,
    size: Math.hypot(longest.transform[2] as number, longest.transform[3] as number) || longest.height,
  };
}
