/**
 * Mutants that no test can notice, because the program does the same with them. Each has its reason. Where a guard can be
 * deleted instead, delete it.
 */
import type { Mutant } from './mutants.ts';

export interface Equivalent {
  file: string;
  /** As `npm run mutate` prints it. */
  change: string;
  why: string;
}

export const EQUIVALENT: readonly Equivalent[] = [];

export function isEquivalent({ file, change }: Mutant): boolean {
  return EQUIVALENT.some((entry) => entry.file === file && entry.change === change);
}

/** Entries for these files that no mutant has any more: their code has changed. */
export function outdated(files: ReadonlySet<string>, mutants: readonly Mutant[]): Equivalent[] {
  return EQUIVALENT.filter(
    ({ file, change }) =>
      files.has(file) && !mutants.some((mutant) => mutant.file === file && mutant.change === change),
  );
}
