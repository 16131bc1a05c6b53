import { getBorderCharacters, table } from 'table';
import type { Paint } from './paint.ts';

export interface Column {
  title: string;
  align?: 'left' | 'right';
}

/** Lines of a table without rules: titles, then rows. Cells are printable already. */
export function columns(heads: readonly Column[], rows: readonly (readonly string[])[], paint: Paint): string[] {
  const titles = heads.map(({ title }) => paint.dim(title));
  const text = table([titles, ...rows.map((row) => [...row])], {
    border: getBorderCharacters('void'),
    drawHorizontalLine: () => false,
    columnDefault: { paddingLeft: 0, paddingRight: 2 },
    columns: heads.map(({ align = 'left' }) => ({ alignment: align })),
  });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** The end of a text that must fit into `width` characters, marked where its beginning was cut off. */
export function endOf(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `…${characters.slice(1 - width).join('')}`;
}
