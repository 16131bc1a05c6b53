import type { GridLayout } from './layout.ts';

/** The place to which a key moves from the active one; undefined for other keys. */
export function placeAfter(
  key: string,
  active: number,
  { columns, rowPx }: Pick<GridLayout, 'columns' | 'rowPx'>,
  windowPx: number,
  count: number,
): number | undefined {
  const last = count - 1;
  const perWindow = Math.max(1, Math.floor(windowPx / rowPx)) * columns;
  const moves: Record<string, number> = {
    ArrowLeft: active - 1,
    ArrowRight: active + 1,
    ArrowUp: active - columns,
    ArrowDown: active + columns,
    PageUp: active - perWindow,
    PageDown: active + perWindow,
    Home: 0,
    End: last,
  };
  const wanted = moves[key];
  return wanted === undefined ? undefined : Math.min(Math.max(0, wanted), last);
}
