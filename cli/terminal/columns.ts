import { stripVTControlCharacters } from 'node:util';
import { getBorderCharacters, table } from 'table';
import type { Paint } from './paint.ts';
import { wrapWords } from './wrap-words.ts';

export interface Column {
  title: string;
  align?: 'left' | 'right';
}

const GAP = 2;
/** A narrower column would be harder to read than a line that the terminal breaks. */
const NARROWEST = 16;
/** Names are cut to no less. */
const SHORTEST_NAME = 20;

/**
 * Lines of a table without rules: titles, then rows. Cells must be printable.
 *
 * @param width columns of the terminal; long names are cut and the last column is wrapped to fit them, so its cells must
 * not be painted. Without it nothing is cut: a program reads the table.
 */
export function columns(
  heads: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: Paint,
  width = Number.POSITIVE_INFINITY,
): string[] {
  const titles = heads.map(({ title }) => paint.dim(title));
  const text = table([titles, ...wrapped(heads, rows, width)], {
    border: getBorderCharacters('void'),
    drawHorizontalLine: () => false,
    columnDefault: { paddingLeft: 0, paddingRight: GAP },
    columns: heads.map(({ align = 'left' }) => ({ alignment: align })),
  });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** The rows, cut and wrapped to the width: the longest names first, then the last column. */
function wrapped(heads: readonly Column[], rows: readonly (readonly string[])[], width: number): string[][] {
  const cells = [heads.map(({ title }) => title), ...rows];
  const others = heads.slice(0, -1).map((_, i) => Math.max(...cells.map((row) => widthOf(row[i] ?? ''))));
  const left = () => width - others.reduce((sum, each) => sum + each + GAP, 0);
  while (left() < NARROWEST) {
    const widest = others.indexOf(Math.max(...others));
    const most = others[widest] ?? 0;
    if (most <= SHORTEST_NAME) break;
    others[widest] = Math.max(SHORTEST_NAME, most - (NARROWEST - left()));
  }
  const room = Math.max(NARROWEST, left());
  return rows.map((row) => [
    ...row.slice(0, -1).map((cell, i) => cut(cell, others[i] ?? 0)),
    wrapWords(row.at(-1) ?? '', room).join('\n'),
  ]);
}

/** A cell with a mark for what does not fit. A painted one is a word of ours, and short. */
const cut = (cell: string, width: number) =>
  cell.length <= width || cell !== stripVTControlCharacters(cell) ? cell : `${cell.slice(0, width - 1)}…`;

const widthOf = (cell: string) => stripVTControlCharacters(cell).length;
