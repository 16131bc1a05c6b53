/** Runs tests for test-runner.ts, which kills it if a mutant loops forever. Vitest stays loaded between runs. */
import { join } from 'node:path';
import { createVitest, type TestModule } from 'vitest/node';

export interface TestRequest {
  tests: string[];
  /** The file that has changed since the last run. */
  changed?: string;
}

/** A test file has begun or ended, or all have ended. `failure` is its first failure. */
export type TestReport =
  | { type: 'begun'; test: string }
  | { type: 'ended'; test: string; failure: string | undefined }
  | { type: 'over'; failure: string | undefined };

const root = process.cwd();
const send = (report: TestReport): void => {
  process.send?.(report);
};

const reporter = {
  onTestModuleStart: ({ relativeModuleId: test }: TestModule) => send({ type: 'begun', test }),
  onTestModuleEnd: (module: TestModule) =>
    send({ type: 'ended', test: module.relativeModuleId, failure: failureOf(module) }),
};

const vitest = await createVitest(
  { config: join(root, 'scripts/mutate/vitest.config.ts'), watch: false, silent: true },
  { root, cacheDir: join(root, '../vite'), test: { reporters: [reporter] } },
);

async function run({ tests, changed }: TestRequest): Promise<void> {
  // Failures counted in an earlier run would end this one at once.
  vitest.state.filesMap.clear();
  vitest.state.idMap.clear();
  if (changed !== undefined) vitest.invalidateFile(join(root, changed));
  const project = vitest.getRootProject();
  const specifications = tests.map((test) => project.createSpecification(join(root, test)));
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications);
  const [error] = unhandledErrors as (Error | undefined)[];
  const failed = testModules.some((module) => failureOf(module) !== undefined);
  if (error === undefined && !failed && testModules.length < tests.length)
    throw new Error(`Only ${testModules.length} of ${tests.length} test files ran, but none failed.`);
  send({ type: 'over', failure: error && `outside of a test: ${error.message}` });
}

function failureOf(module: TestModule): string | undefined {
  for (const test of module.children.allTests('failed')) return test.fullName;
  for (const suite of module.children.allSuites()) {
    if (suite.errors().length > 0) return suite.fullName;
  }
  return module.state() === 'failed' ? (module.errors()[0]?.message ?? 'it failed as a whole') : undefined;
}

process.on('message', (request: TestRequest) => {
  void run(request).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
process.on('disconnect', () => process.exit(0));
send({ type: 'over', failure: undefined });
