import type { Origin } from './origin.ts';

/** Describes a program that the local stack runs, and where to get it. */
export interface BinarySpec {
  name: 'temporal' | 'mongod';
  /** Name for people. */
  title: string;
  /** Environment variable that holds a path to it. */
  variable: string;
  /** Parses the version from the output of `--version`; undefined for another program's output. */
  readVersion(output: string): string | undefined;
  /** Whether this version can be used. */
  accepts(version: string): boolean;
  /** The usable versions, for people. */
  wanted: string;
  /** Origins in the order in which they are tried. */
  origins: readonly Origin[];
  /** Other options of the user, one line each. */
  advice: readonly string[];
}

/** Compares dotted versions numerically. Missing parts count as 0. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
