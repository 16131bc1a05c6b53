/**
 * Runs many mutants in one process: a process for each takes a second or more, a test of a pure module milliseconds. Each
 * mutant is a folder with copies of the changed file, of what imports it, and of its tests, so that no two share a module
 * that differs. Everything else is linked and loaded once.
 */
import { copyFile, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Mutant, mutated } from './mutants.ts';
import type { TestMap } from './related-tests.ts';
import type { Sandbox } from './sandbox.ts';
import type { TestRunner } from './test-runner.ts';

/** The test file that noticed a mutant; `hung` where the code looped or waited; undefined where all tests passed. */
export type BatchResult = { by: string } | 'hung' | undefined;

export interface Batch {
  file: string;
  text: string;
  tests: readonly string[];
}

const FOLDER = 'mutants';
const SIZE = 40;

/** How long a run may be silent before the test file under way counts as hung. */
const SILENCE_MS = 60_000;

/** The tests that pass in a folder of their own, beside others, and quickly. */
export async function testsForBatches(
  { file, text, tests }: Batch,
  map: TestMap,
  sandbox: Sandbox,
  runner: TestRunner,
): Promise<string[]> {
  const passed: string[] = [];
  for (const test of tests) {
    const folder = await makeFolder({ file, text, tests: [test] }, 'original', text, map, sandbox);
    const startedAt = performance.now();
    const path = `${folder}/${test}`;
    const { ended } = await runner.run({ tests: [path] }, SILENCE_MS);
    await rm(join(sandbox.root, FOLDER), { recursive: true, force: true });
    if (ended.has(path) && ended.get(path) === undefined && performance.now() - startedAt < SILENCE_MS / 2)
      passed.push(test);
  }
  return passed;
}

/**
 * Runs mutants in batches. An unchanged copy comes last in each: if it fails, a mutant before it has left something behind,
 * and the batch shows nothing. Mutants without a result are not reported; they must be run one by one.
 */
export async function runBatches(
  batch: Batch,
  mutants: readonly Mutant[],
  map: TestMap,
  sandbox: Sandbox,
  runner: TestRunner,
  onResult: (mutant: Mutant, result: BatchResult) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < mutants.length; at += SIZE) {
    const results = await runBatch(batch, mutants.slice(at, at + SIZE), map, sandbox, runner);
    for (const [mutant, result] of results) await onResult(mutant, result);
  }
}

async function runBatch(
  batch: Batch,
  mutants: readonly Mutant[],
  map: TestMap,
  sandbox: Sandbox,
  runner: TestRunner,
): Promise<Map<Mutant, BatchResult>> {
  const results = new Map<Mutant, BatchResult>();
  let pending = mutants;
  while (pending.length > 0) {
    const folders = new Map<Mutant, string>();
    for (const [i, mutant] of pending.entries()) {
      folders.set(mutant, await makeFolder(batch, String(i), mutated(batch.text, mutant), map, sandbox));
    }
    const original = await makeFolder(batch, 'original', batch.text, map, sandbox);
    const pathsIn = (folder: string) => batch.tests.map((test) => `${folder}/${test}`);
    const tests = [...folders.values(), original].flatMap(pathsIn);
    const { ended, hung, failure } = await runner.run({ tests }, SILENCE_MS);
    await rm(join(sandbox.root, FOLDER), { recursive: true, force: true });

    const isTainted = failure !== undefined || pathsIn(original).some((path) => ended.get(path) !== undefined);
    if (isTainted) return results;
    const left: Mutant[] = [];
    for (const [mutant, folder] of folders) {
      const by = batch.tests.find((test) => ended.get(`${folder}/${test}`) !== undefined);
      if (by !== undefined) results.set(mutant, { by });
      else if (pathsIn(folder).some((path) => hung.includes(path))) results.set(mutant, 'hung');
      else if (pathsIn(folder).every((path) => ended.has(path))) results.set(mutant, undefined);
      else left.push(mutant);
    }
    // Something must have come of it, or it would go on for ever.
    if (left.length === pending.length) return results;
    pending = left;
  }
  return results;
}

/** Returns the folder's path, relative to the sandbox. */
async function makeFolder(
  { file, tests }: Batch,
  name: string,
  text: string,
  map: TestMap,
  { root }: Sandbox,
): Promise<string> {
  const folder = `${FOLDER}/${name}`;
  const modules = new Set(tests.flatMap((test) => [...map.importsOf(test)]));
  const copied = new Set([...modules].filter((module) => map.reaches(module, file)));
  for (const module of new Set([...modules, ...tests])) {
    const path = join(root, folder, module);
    await mkdir(dirname(path), { recursive: true });
    if (module === file) await writeFile(path, text);
    else if (copied.has(module) || tests.includes(module)) await copyFile(join(root, module), path);
    else await symlink(join(root, module), path);
  }
  // What tests read by its path: examples, models, settings.
  const made = new Set([...modules].map((module) => module.split('/')[0]));
  for (const entry of await readdir(root)) {
    if (!made.has(entry) && entry !== FOLDER) await symlink(join(root, entry), join(root, folder, entry));
  }
  return folder;
}
