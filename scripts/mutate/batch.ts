/**
 * Runs many mutants in one process, because a process takes a second or more and a test of a pure module milliseconds.
 * Each mutant is a folder with copies of the changed file, of the modules that import it, and of its tests, so that no
 * two mutants share a module that differs. Everything else is linked and loaded once.
 */
import { copyFile, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Mutant, mutated } from './mutants.ts';
import type { TestMap } from './related-tests.ts';
import type { Sandbox } from './sandbox.ts';
import type { TestRunner } from './test-runner.ts';

/** `hung` means that the code looped or waited forever. */
export type BatchResult = 'passed' | 'failed' | 'hung';

export interface Batch {
  file: string;
  text: string;
  test: string;
}

export interface BatchRunner {
  /** How long the test takes; undefined if it does not pass in a folder of its own, or is slow. */
  measure(batch: Batch): Promise<number | undefined>;
  /** Runs the test, which takes `ms`, on each mutant. Yields no result for a mutant on which the test says nothing. */
  run(batch: Batch, mutants: readonly Mutant[], ms: number): AsyncGenerator<readonly [Mutant, BatchResult]>;
}

const FOLDER = 'mutants';
const SIZE = 40;

const QUICK_MS = 30_000;

export function createBatchRunner({ root }: Sandbox, map: TestMap, runner: TestRunner): BatchRunner {
  let folders = 0;

  /** Returns the test's path in a new folder. Paths are not reused, because Vitest caches their content. */
  const makeFolder = async ({ file, test }: Batch, text: string): Promise<string> => {
    const folder = `${FOLDER}/${folders++}`;
    const modules = new Set(map.importsOf(test));
    for (const module of modules) {
      const path = join(root, folder, module);
      await mkdir(dirname(path), { recursive: true });
      if (module === file) await writeFile(path, text);
      else if (module === test || map.reaches(module, file)) await copyFile(join(root, module), path);
      else await symlink(join(root, module), path);
    }
    // Link everything that tests read by path: examples, models, settings.
    const made = new Set([FOLDER, ...[...modules].map((module) => module.split('/')[0])]);
    for (const entry of await readdir(root)) {
      if (!made.has(entry)) await symlink(join(root, entry), join(root, folder, entry));
    }
    return `${folder}/${test}`;
  };

  const runTests = async (tests: string[], silenceMs: number) => {
    try {
      return await runner.run({ tests }, silenceMs);
    } finally {
      await rm(join(root, FOLDER), { recursive: true, force: true });
    }
  };

  /** Runs an unchanged copy last. If it fails, a mutant has left something behind, and all results are void. */
  const runSome = async (batch: Batch, mutants: readonly Mutant[], silenceMs: number) => {
    const tests = new Map<Mutant, string>();
    for (const mutant of mutants) tests.set(mutant, await makeFolder(batch, mutated(batch.text, mutant)));
    const original = await makeFolder(batch, batch.text);
    const { ended, hung, failure } = await runTests([...tests.values(), original], silenceMs);

    const results = new Map<Mutant, BatchResult>();
    if (failure !== undefined || ended.get(original) !== undefined) return results;
    for (const [mutant, test] of tests) {
      if (ended.has(test)) results.set(mutant, ended.get(test) === undefined ? 'passed' : 'failed');
      else if (hung.includes(test)) results.set(mutant, 'hung');
    }
    return results;
  };

  return {
    async measure(batch) {
      const test = await makeFolder(batch, batch.text);
      const startedAt = performance.now();
      const { ended } = await runTests([test], QUICK_MS);
      return ended.has(test) && ended.get(test) === undefined ? performance.now() - startedAt : undefined;
    },
    async *run(batch, mutants, ms) {
      const pending = new Set(mutants);
      while (pending.size > 0) {
        const some = [...pending].slice(0, SIZE);
        const results = await runSome(batch, some, 5 * ms + 10_000);
        yield* results;
        // The mutants after one that hung have not run.
        for (const mutant of results.size > 0 ? results.keys() : some) pending.delete(mutant);
      }
    },
  };
}
