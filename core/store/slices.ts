/**
 * Paths in one query. A path of 4,096 bytes takes up to four times as many as text, and a query has at most 16 MB.
 */
export const PATHS_A_QUERY = 500;

/** A list in slices of at most `length` items. */
export function* slicesOf<T>(items: readonly T[], length: number): Generator<T[]> {
  for (let at = 0; at < items.length; at += length) yield items.slice(at, at + length);
}
