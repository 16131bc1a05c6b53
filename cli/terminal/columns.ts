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

/**
 * Lines of a table without rules: titles, then rows. Cells must be printable.
 *
 * @param width columns of the terminal; the last column is wrapped to fit them, so its cells must not be painted
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

/** The rows, with their last cells wrapped to the width that the other columns leave. */
function wrapped(heads: readonly Column[], rows: readonly (readonly string[])[], width: number): string[][] {
  const cells = [heads.map(({ title }) => title), ...rows];
  const others = heads.slice(0, -1).map((_, i) => Math.max(...cells.map((row) => widthOf(row[i] ?? ''))));
  const room = Math.max(NARROWEST, width - others.reduce((sum, each) => sum + each + GAP, 0));
  return rows.map((row) => [...row.slice(0, -1), wrapWords(row.at(-1) ?? '', room).join('\n')]);
}

const widthOf = (cell: string) => stripVTControlCharacters(cell).length;
