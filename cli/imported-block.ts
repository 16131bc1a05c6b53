import type { JobStatus } from '../contract/job.ts';
import type { Paint } from './terminal/paint.ts';
import { printable } from './terminal/printable.ts';
import { count } from './terminal/quantities.ts';

/** How many names and rows are shown of each outcome. */
const NAMED = 5;

/** What an import of vectors left out, and why, as lines of its summary. */
export function importedBlock({ imported }: JobStatus, paint: Paint): string[] {
  if (imported === undefined) return [];
  const { repeated, unknown, unknown_names, invalid, invalid_named } = imported;
  const row = (n: number, words: string) => (n > 0 ? [`${count(n).padStart(9)}  ${words}`] : []);
  const first = (names: readonly string[], n: number) => {
    const shown = names.slice(0, NAMED).map((name) => `           ${printable(name)}`);
    return n > shown.length && shown.length > 0 ? [...shown, `           and ${count(n - shown.length)} more`] : shown;
  };
  return [
    ...row(repeated, 'rows of a sample that had a vector in the file already: the last one counts'),
    ...row(unknown, 'rows of samples that the dataset does not have, or could not read'),
    ...first(unknown_names, unknown),
    ...Object.entries(invalid).flatMap(([reason, n]) => [
      paint.red(`${count(n).padStart(9)}  can't be used: ${reason}`),
      ...first(
        invalid_named.filter((each) => each.reason === reason).map((each) => `row ${each.row}: ${each.message}`),
        n,
      ),
    ]),
  ];
}
