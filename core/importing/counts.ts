import type { ImportedStatus } from '../../contract/imported.ts';
import type { RowProblem } from './vector-row.ts';

/** Names and messages that the record of a job holds. */
const NAMED = 100;
const LONGEST_NAME = 1000;

export const firstCounts = (path: string, total: number | undefined): ImportedStatus => ({
  state: 'reading',
  path,
  rows: 0,
  ...(total === undefined ? {} : { total }),
  vectors: 0,
  repeated: 0,
  unknown: 0,
  unknown_names: [],
  invalid: {},
  invalid_named: [],
});

/** Counts a row that has no vector. Changes `status`. */
export function addInvalid(status: ImportedStatus, row: number, { reason, message }: RowProblem): void {
  status.invalid[reason] = (status.invalid[reason] ?? 0) + 1;
  if (status.invalid_named.length < NAMED)
    status.invalid_named.push({ reason, row, message: message.slice(0, LONGEST_NAME) });
}

/** Counts a row without a sample. Changes `status`. */
export function addUnknown(status: ImportedStatus, name: string): void {
  status.unknown += 1;
  if (status.unknown_names.length < NAMED) status.unknown_names.push(name.slice(0, LONGEST_NAME));
}
