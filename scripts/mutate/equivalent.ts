/**
 * Mutants that no test can notice, because the program does the same with them. Each has its reason. Where a guard can be
 * deleted instead, delete it.
 */
import type { Mutant } from './mutants.ts';

export interface Equivalent {
  file: string;
  /** As `npm run mutate` prints it. */
  change: string;
  /** A piece of its line, where the file has other mutants that print the same. */
  line?: string;
  why: string;
}

export const EQUIVALENT: readonly Equivalent[] = [
  {
    file: 'core/models/half.ts',
    change: 'size >= 65_520 → size > 65_520',
    why: 'The formula below rounds 65,520 to infinity too. It goes wrong only from 131,072 on.',
  },
  {
    file: 'core/models/half.ts',
    change: '65_520 → 65521',
    why: 'As above. 65,520 is the number at which infinity begins by the standard.',
  },
  {
    file: 'core/embedding/embed-window.ts',
    change: 'window.end > window.start → window.end >= window.start',
    why: 'The contract refuses a window that ends as it starts.',
  },
  {
    file: 'core/embedding/embed-window.ts',
    change: '0 → 1',
    line: 'Temporal.Instant.fromEpochMilliseconds(0)',
    why: 'The zone has its name at any instant.',
  },
  {
    file: 'core/jobs/status.ts',
    change: 'phase.waiting_for.since < paused_at → phase.waiting_for.since <= paused_at',
    why: 'Both are the same time then.',
  },
];

export function isEquivalent(mutant: Mutant): boolean {
  return EQUIVALENT.some((entry) => matches(entry, mutant));
}

/** Entries for these files that no mutant has any more: their code has changed. */
export function outdated(files: ReadonlySet<string>, mutants: readonly Mutant[]): Equivalent[] {
  return EQUIVALENT.filter((entry) => files.has(entry.file) && !mutants.some((mutant) => matches(entry, mutant)));
}

const matches = ({ file, change, line = '' }: Equivalent, mutant: Mutant) =>
  mutant.file === file && mutant.change === change && mutant.code.includes(line);
