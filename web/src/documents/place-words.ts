import { count } from '../words.ts';

/** The place where in its document a chunk is: `page 3`, `row 12`; empty if its format has neither. */
export function placeWords(
  { page, record }: { page?: number | undefined; record?: number | undefined },
  format: string,
) {
  if (page !== undefined) return `page ${count(page)}`;
  if (record === undefined) return '';
  return `${format === 'csv' ? 'row' : 'line'} ${count(record)}`;
}
