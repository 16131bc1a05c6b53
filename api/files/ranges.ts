/** The part of a file to send: all, a range (both ends included), or none because the range can't be satisfied. */
export type Part = { kind: 'whole' } | { kind: 'range'; start: number; end: number } | { kind: 'unsatisfiable' };

/** RFC 9110, section 14: a single byte range is honoured; several ranges or other units get the whole file. */
export function partOf(header: string | undefined, size: number): Part {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.replaceAll(' ', '') ?? '');
  if (match === null) return { kind: 'whole' };
  const [, from = '', to = ''] = match;
  if (from === '' && to === '') return { kind: 'whole' };
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (from !== '' && to !== '' && Number(to) < Number(from)) return { kind: 'whole' };
  if (start >= size || (from === '' && to !== '' && Number(to) === 0)) return { kind: 'unsatisfiable' };
  return { kind: 'range', start, end };
}

/** Whether an If-None-Match header matches a tag, by the weak comparison that the header requires. */
export function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}
