/**
 * `npm run mutate -- PATH…` makes small changes to the code, one at a time, and runs its tests. See CONTRIBUTING.md.
 */
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { Command } from 'commander';
import { parseDuration } from '../../core/duration.ts';
import { type Servers, startServers } from '../../local/servers.ts';
import { type BatchRunner, createBatchRunner } from './batch.ts';
import { isEquivalent, outdated } from './equivalent.ts';
import { type Mutant, type MutantSet, mutantsOf, mutated } from './mutants.ts';
import { mapTests, type RelatedTests, type TestMap } from './related-tests.ts';
import { hashOf, openResults, type Result, type Results } from './results.ts';
import { filesOf, linkCache, openSandbox, type Sandbox } from './sandbox.ts';
import { createTestRunner, type TestRunner } from './test-runner.ts';

interface Options {
  list?: true;
  guards?: true;
  all?: true;
  budget?: string;
  tests?: string[];
  fresh?: true;
}

/** The mutants of a file and the tests that should notice them. */
interface Plan {
  file: string;
  text: string;
  set: MutantSet;
  mutants: Mutant[];
  tests: RelatedTests;
  fingerprint: string;
}

class UsageError extends Error {}

const checkout = resolve(import.meta.dirname, '../..');
const resultsFolder = join(checkout, '.mutate');

const program = new Command('npm run mutate --')
  .argument('<paths...>', 'files, folders such as core/jobs, or lines such as core/duration.ts:11')
  .option('--list', 'list the mutants and their tests; run nothing')
  .option('--guards', 'only guards: if, throw, calls that check, and conditions of MongoDB queries')
  .option('--all', 'all mutants, also of files whose tests need servers')
  .option('--tests <paths...>', 'run these test files or folders instead of the related ones')
  .option('--budget <duration>', 'start no further mutant after this time, as in 20m; the next run goes on from there')
  .option('--fresh', 'forget what earlier runs found for these files')
  .addHelpText('after', '\nExits with 0 if no mutant survived, 1 if some did, 2 if it could not run.')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
program.parse();

async function main(paths: string[], options: Options): Promise<number> {
  const budgetMs = options.budget === undefined ? Number.POSITIVE_INFINITY : parseDuration(options.budget);
  if (budgetMs === undefined) throw new UsageError(`--budget: "${options.budget}" is no duration, as in 20m`);
  const files = filesOf(checkout);
  const map = mapTests(checkout, files);
  const plans = sourcesUnder(paths, files).map((wanted) => planOf(wanted, map, options));
  if (options.list) return list(plans);

  if (options.fresh) for (const { file } of plans) await rm(join(resultsFolder, `${file}.json`), { force: true });
  const texts = new Map(plans.map(({ file, text }) => [file, text]));
  const results = await openResults(resultsFolder, texts);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  await runAll(plans, { files, map, results, deadline: Date.now() + budgetMs, stop: stop.signal });
  return stop.signal.aborted ? 130 : report(plans, results);
}

interface Wanted {
  file: string;
  /** Only the mutants of this line. */
  line: number | undefined;
}

function sourcesUnder(paths: string[], files: string[]): Wanted[] {
  return paths.flatMap((path) => {
    const [, name = '', line] = /^(.+?)(?::(\d+))?$/.exec(path) ?? [];
    const wanted = relative(checkout, resolve(name)).split(sep).join('/');
    const found = files.filter(
      (file) => file.endsWith('.ts') && !file.startsWith('test/') && (file === wanted || file.startsWith(`${wanted}/`)),
    );
    if (found.length === 0) throw new UsageError(`${path}: no TypeScript source there`);
    return found.map((file) => ({ file, line: line === undefined ? undefined : Number(line) }));
  });
}

function planOf({ file, line }: Wanted, map: TestMap, { guards, all, tests: named }: Options): Plan {
  const text = readFileSync(join(checkout, file), 'utf8');
  const related = named ? namedTests(named, map) : map.testsOf(file);
  // Files that use the database have slow tests on servers. Other files with tests have them without servers.
  const isPure = related.alone.length > 0 && !/^import .*\bStore\b/m.test(text);
  const set = all || (isPure && !guards) ? 'all' : 'guards';
  const tests = isPure && !all && !named ? { ...related, ofFolders: [] } : related;
  const mutants = mutantsOf(file, text, set).filter(
    (mutant) => !isEquivalent(mutant) && (line === undefined || mutant.line === line),
  );
  return { file, text, set, mutants, tests, fingerprint: fingerprintOf(tests, map) };
}

/** A fingerprint of the tests and of the files that they import below `test/`. */
function fingerprintOf(tests: RelatedTests, map: TestMap): string {
  const files = new Set([...tests.alone, ...tests.ofFolders].flatMap((test) => [...map.importsOf(test)]));
  const texts = [...files].filter((file) => file.startsWith('test/')).sort();
  return hashOf(texts.map((file) => `${file}\n${readFileSync(join(checkout, file), 'utf8')}`).join('\n'));
}

function namedTests(paths: string[], map: TestMap): RelatedTests {
  const tests = paths.flatMap((path) => {
    const found = map.under(path);
    if (found.length === 0) throw new UsageError(`--tests ${path}: no test there`);
    return found;
  });
  return {
    alone: tests.filter((test) => !map.needsServers(test)),
    ofFolders: tests.filter((test) => map.needsServers(test)),
  };
}

function list(plans: Plan[]): number {
  for (const { file, set, mutants, tests } of plans) {
    console.log(`${file}: ${mutants.length} mutants (${set})`);
    for (const test of [...tests.alone, ...tests.ofFolders]) console.log(`  ${test}`);
    for (const mutant of mutants) console.log(`  ${inWords(mutant)}`);
  }
  return 0;
}

interface Run {
  files: readonly string[];
  map: TestMap;
  results: Results;
  deadline: number;
  stop: AbortSignal;
}

async function runAll(plans: Plan[], run: Run): Promise<void> {
  const pending = plans.filter((plan) => pendingOf(plan, run).length > 0);
  if (pending.length === 0) return;
  const sandbox = await openSandbox(checkout, run.files);
  const runners: TestRunner[] = [];
  let servers: Servers | undefined;
  // A running test is stopped too.
  run.stop.addEventListener('abort', () => void stopAll(runners));
  try {
    const needed = pending.flatMap(({ tests }) => [...tests.alone, ...tests.ofFolders]);
    if (needed.some(run.map.needsServers)) servers = await startServersFor(sandbox, run.stop);
    await linkCache(sandbox);
    const addresses = { MUTATE_MONGODB_URI: servers?.mongodbUri, MUTATE_TEMPORAL_ADDRESS: servers?.temporalAddress };
    const shared = createTestRunner(sandbox, { MUTATE_BATCH: '1' });
    const single = createTestRunner(sandbox, addresses);
    runners.push(shared, single);
    const batches = createBatchRunner(sandbox, run.map, shared);
    for (const plan of pending) {
      const left = await runInBatches(plan, run, batches);
      await runOneByOne(plan, left, run, sandbox, single);
    }
  } catch (error) {
    if (!run.stop.aborted) throw error;
  } finally {
    await stopAll(runners);
    await servers?.stop();
    await sandbox.remove();
  }
}

async function stopAll(runners: TestRunner[]): Promise<void> {
  await Promise.all(runners.map((runner) => runner.stop()));
}

function startServersFor({ scratch }: Sandbox, signal: AbortSignal): Promise<Servers> {
  return startServers({
    dataDir: join(scratch, 'servers'),
    ports: { temporal: 0, ui: 0, mongo: 0 },
    ui: 'off',
    report: (line) => console.error(`[servers] ${line}`),
    signal,
  });
}

function pendingOf({ mutants, fingerprint }: Plan, { results }: Run): Mutant[] {
  return mutants.filter((mutant) => results.get(mutant, fingerprint) === undefined);
}

/** Runs the tests that can share a process, the closest first. Returns the remaining tests of each mutant. */
async function runInBatches(plan: Plan, run: Run, batches: BatchRunner): Promise<Map<Mutant, string[][]>> {
  const { file, text, set, mutants, tests } = plan;
  const pending = pendingOf(plan, run);
  const all = [...tests.alone, ...tests.ofFolders];
  if (all.length === 0) throw new UsageError(`${file}: no test is known to concern it; name some with --tests`);
  console.log(`${file}: ${pending.length} of ${mutants.length} mutants to run (${set}), ${all.length} test files`);

  const left = new Map(pending.map((mutant) => [mutant, [...tests.alone]]));
  for (const test of tests.alone) {
    const batch = { file, text, test };
    if (left.size === 0 || isOver(run)) break;
    const ms = await batches.measure(batch);
    if (ms === undefined) continue;
    for await (const [mutant, result] of batches.run(batch, [...left.keys()], ms)) {
      if (result === 'passed') {
        left.set(mutant, left.get(mutant)?.filter((other) => other !== test) ?? []);
      } else {
        left.delete(mutant);
        await record(plan, run, mutant, result === 'failed' ? { state: 'killed', by: test } : { state: 'timeout' });
      }
      if (isOver(run)) break;
    }
  }
  return new Map(
    [...left].map(([mutant, alone]) => [mutant, [alone, tests.ofFolders].filter((group) => group.length > 0)]),
  );
}

const isOver = ({ deadline, stop }: Run) => stop.aborted || Date.now() > deadline;

async function record({ fingerprint }: Plan, { results }: Run, mutant: Mutant, result: Result): Promise<void> {
  await results.set(mutant, result.state === 'survived' ? { ...result, tests: fingerprint } : result);
  console.log(`  ${result.state.padEnd(8)} ${inWords(mutant)}`);
}

async function runOneByOne(
  plan: Plan,
  left: Map<Mutant, string[][]>,
  run: Run,
  { root }: Sandbox,
  runner: TestRunner,
): Promise<void> {
  const { file, text } = plan;
  const baselines = new Map<string, Baseline>();
  for (const [mutant, groups] of left) {
    let result: Result = { state: 'survived' };
    for (const group of groups) {
      const key = group.join(' ');
      const { tests, limitMs } = baselines.get(key) ?? (await baselineOf(group, file, runner));
      baselines.set(key, { tests, limitMs });
      if (isOver(run)) return;
      await writeFile(join(root, file), mutated(text, mutant));
      const ordered = byKills(tests, run.results.killers(file));
      const { ended, hung, failure } = await runner.run({ tests: ordered, changed: file }, limitMs);
      await writeFile(join(root, file), text);
      if (run.stop.aborted) return;
      const by = ordered.find((test) => ended.get(test) !== undefined) ?? failure;
      if (by !== undefined) result = { state: 'killed', by };
      else if (hung.length > 0) result = { state: 'timeout' };
      else continue;
      break;
    }
    await record(plan, run, mutant, result);
  }
}

interface Baseline {
  tests: string[];
  /** Time limit of a mutant. */
  limitMs: number;
}

const LONGEST_MS = 30 * 60_000;

/** Runs the tests on the unchanged code. Tests that fail there are left out, because they can't detect a mutant. */
async function baselineOf(group: string[], file: string, runner: TestRunner): Promise<Baseline> {
  for (let tests = group; tests.length > 0; ) {
    const startedAt = performance.now();
    const { ended, hung, failure } = await runner.run({ tests, changed: file }, LONGEST_MS);
    const wrong = tests.filter((test) => ended.get(test) !== undefined || hung.includes(test));
    if (failure !== undefined) throw new UsageError(`The tests fail without any change: ${failure}`);
    if (wrong.length === 0) return { tests, limitMs: 3 * (performance.now() - startedAt) + 20_000 };
    for (const test of wrong)
      console.error(`left out, since it fails without any change: ${test}, "${ended.get(test)}"`);
    tests = tests.filter((test) => !wrong.includes(test));
  }
  throw new UsageError(`${file}: no test that could notice a mutant passes without any change`);
}

function byKills(tests: string[], killers: ReadonlyMap<string, number>): string[] {
  return tests.toSorted((a, b) => (killers.get(b) ?? 0) - (killers.get(a) ?? 0));
}

function report(plans: Plan[], results: Results): number {
  const counts = { killed: 0, timeout: 0, survived: 0, 'not run': 0 };
  const survivors: Mutant[] = [];
  for (const plan of plans) {
    for (const mutant of plan.mutants) {
      const state = results.get(mutant, plan.fingerprint)?.state ?? 'not run';
      counts[state]++;
      if (state === 'survived') survivors.push(mutant);
    }
  }
  const entries = outdated(
    new Set(plans.map(({ file }) => file)),
    plans.flatMap(({ file, text }) => mutantsOf(file, text, 'all')),
  );
  console.log(
    `\n${Object.entries(counts)
      .map(([state, n]) => `${n} ${state}`)
      .join(', ')}`,
  );
  for (const mutant of survivors) console.log(`survived: ${inWords(mutant)}`);
  for (const { file, change } of entries) console.log(`in equivalent.ts, but no longer a mutant: ${file}  ${change}`);
  return survivors.length + entries.length > 0 ? 1 : 0;
}

const inWords = ({ file, line, column, change }: Mutant) => `${file}:${line}:${column}  ${change}`;

process.exitCode = await main(program.args, program.opts<Options>()).catch((error: unknown) => {
  console.error(error instanceof UsageError ? error.message : error);
  return 2;
});
