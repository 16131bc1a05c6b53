import { stripVTControlCharacters } from 'node:util';
import { getBorderCharacters, table } from 'table';
import type { Paint } from './paint.ts';

export interface Column {
  title: string;
  align?: 'left' | 'right';
}

const GAP = 2;
/** A column that is narrower is harder to read than a line that the terminal breaks. */
const NARROWEST = 16;

/**
 * Lines of a table without rules: titles, then rows. Cells are printable already.
 *
 * @param width columns of the terminal: the last column is wrapped within it
 */
export function columns(
  heads: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: Paint,
  width = Number.POSITIVE_INFINITY,
): string[] {
  const titles = heads.map(({ title }) => paint.dim(title));
  const text = table([titles, ...rows.map((row) => [...row])], {
    border: getBorderCharacters('void'),
    drawHorizontalLine: () => false,
    columnDefault: { paddingLeft: 0, paddingRight: GAP },
    columns: heads.map(({ align = 'left' }, i) => ({
      alignment: align,
      ...(i === heads.length - 1 ? wrapped([titles, ...rows], width) : {}),
    })),
  });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** How the last column is wrapped; not at all where it has the room. */
function wrapped(rows: readonly (readonly string[])[], width: number): { width: number; wrapWord: true } | undefined {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => widthOf(row[i] ?? ''))));
  const last = widths.pop() ?? 0;
  const room = Math.max(NARROWEST, width - widths.reduce((sum, each) => sum + each + GAP, 0));
  return last <= room ? undefined : { width: room, wrapWord: true };
}

const widthOf = (cell: string) => stripVTControlCharacters(cell).length;
