import type { Origin } from './origin.ts';

/** A program that the local stack runs, and what is known of getting it. */
export interface BinarySpec {
  name: 'temporal' | 'mongod';
  /** What it is, for people. */
  title: string;
  /** The environment variable that names a path to it. */
  variable: string;
  /** Reads the version from what `--version` prints; undefined when that is another program's output. */
  readVersion(output: string): string | undefined;
  /** Whether this version will do. */
  accepts(version: string): boolean;
  /** The versions that will do, for people. */
  wanted: string;
  /** Where to get it from, the first to try first. */
  origins: readonly Origin[];
  /** What else the user can do, one line each. */
  advice: readonly string[];
}

/** Compares dotted versions by number; those of different length as if zeros followed. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
