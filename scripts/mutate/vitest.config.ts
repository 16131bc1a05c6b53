/** Test settings for mutants: servers and order are given, and the first failure ends a run. */
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import type { TestSpecification } from 'vitest/node';
import base from '../../vitest.config.ts';

/** Keeps the requested order of the test files, in which likely failures come first. */
class InOrder {
  sort(specifications: TestSpecification[]): TestSpecification[] {
    return specifications;
  }

  shard(specifications: TestSpecification[]): TestSpecification[] {
    return specifications;
  }
}

export default defineConfig({
  root: join(import.meta.dirname, '../..'),
  test: {
    ...base.test,
    globalSetup: ['scripts/mutate/given-servers.ts'],
    // Many mutants of a batch share a process; see batch.ts.
    ...(process.env.MUTATE_BATCH ? { isolate: false, maxWorkers: 1 } : { isolate: true, bail: 1 }),
    sequence: { sequencer: InOrder },
    // A flaky test would count mutants as detected.
    retry: 0,
  },
});
