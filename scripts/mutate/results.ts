/** What earlier runs found, in `.mutate/results.json`: a run that was cut off goes on where it was. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Mutant } from './mutants.ts';

export interface Result {
  state: 'killed' | 'timeout' | 'survived';
  /** The test file that noticed it. */
  by?: string;
  /** What the tests were that did not notice it: other ones may. */
  tests?: string;
}

export interface Results {
  /** Undefined for a mutant that must be run. */
  get(mutant: Mutant, tests: string): Result | undefined;
  set(mutant: Mutant, result: Result): Promise<void>;
  /** How many of the file's mutants each test file noticed. */
  killers(file: string): ReadonlyMap<string, number>;
}

interface FileResults {
  source: string;
  mutants: Record<string, Result>;
}

/** @param sourceOf The text of a source file: its results count for this text only. */
export async function openResults(path: string, sourceOf: (file: string) => string): Promise<Results> {
  const files = await readResults(path);

  const resultsOf = (file: string): FileResults => {
    const source = hashOf(sourceOf(file));
    const known = files[file];
    if (known?.source === source) return known;
    files[file] = { source, mutants: {} };
    return files[file];
  };

  return {
    get(mutant, tests) {
      const result = resultsOf(mutant.file).mutants[keyOf(mutant)];
      return result?.state === 'survived' && result.tests !== tests ? undefined : result;
    },
    async set(mutant, result) {
      resultsOf(mutant.file).mutants[keyOf(mutant)] = result;
      await mkdir(dirname(path), { recursive: true });
      await writeFile(`${path}.new`, JSON.stringify(files, null, 1));
      await rename(`${path}.new`, path);
    },
    killers(file) {
      const counts = new Map<string, number>();
      for (const { by } of Object.values(resultsOf(file).mutants)) if (by) counts.set(by, (counts.get(by) ?? 0) + 1);
      return counts;
    },
  };
}

async function readResults(path: string): Promise<Record<string, FileResults>> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

const keyOf = ({ start, end, replacement }: Mutant) => `${start}-${end} ${replacement}`;

export const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16);
