/** Keeps the results of earlier runs, one file in `.mutate` per source file, so that an aborted run can continue. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Mutant } from './mutants.ts';

export interface Result {
  state: 'killed' | 'timeout' | 'survived';
  /** The test file that detected the mutant. */
  by?: string;
  /** Fingerprint of the tests that did not detect the mutant; other tests may. */
  tests?: string;
}

export interface Results {
  /** The known result; undefined for a mutant that must be run. */
  get(mutant: Mutant, tests: string): Result | undefined;
  set(mutant: Mutant, result: Result): Promise<void>;
  /** How many of the file's mutants each test file has detected. */
  killers(file: string): ReadonlyMap<string, number>;
}

interface FileResults {
  source: string;
  mutants: Record<string, Result>;
}

/** Opens the results. @param texts source texts by path; results of other texts are ignored */
export async function openResults(folder: string, texts: ReadonlyMap<string, string>): Promise<Results> {
  const results = new Map<string, FileResults>();
  for (const [file, text] of texts) {
    const known = await read(join(folder, `${file}.json`));
    const source = hashOf(text);
    results.set(file, known?.source === source ? known : { source, mutants: {} });
  }
  const mutantsOf = (file: string) => results.get(file)?.mutants ?? {};

  return {
    get(mutant, tests) {
      const result = mutantsOf(mutant.file)[keyOf(mutant)];
      return result?.state === 'survived' && result.tests !== tests ? undefined : result;
    },
    async set(mutant, result) {
      mutantsOf(mutant.file)[keyOf(mutant)] = result;
      const path = join(folder, `${mutant.file}.json`);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(`${path}.new`, JSON.stringify(results.get(mutant.file), null, 1));
      await rename(`${path}.new`, path);
    },
    killers(file) {
      const counts = new Map<string, number>();
      for (const { by } of Object.values(mutantsOf(file))) if (by) counts.set(by, (counts.get(by) ?? 0) + 1);
      return counts;
    },
  };
}

async function read(path: string): Promise<FileResults | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

const keyOf = ({ start, end, replacement }: Mutant) => `${start}-${end} ${replacement}`;

export const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16);
