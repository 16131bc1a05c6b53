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
