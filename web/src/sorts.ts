/** The orders of samples, under the API's names and for people. */
export const SORTS = [
  ['', 'By number'],
  ['-seq', 'Newest first'],
  ['path', 'By path'],
  ['date', 'Oldest file first'],
  ['-date', 'Newest file first'],
  ['size', 'Smallest file first'],
  ['-size', 'Largest file first'],
] as const;
export type Sort = (typeof SORTS)[number][0];

/** Parses the order of a URL; empty for that of the numbers. */
export const sortFrom = (query: URLSearchParams): Sort => SORTS.find(([name]) => name === query.get('sort'))?.[0] ?? '';
