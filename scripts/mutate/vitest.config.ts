/** The tests' settings for mutants: servers and order are given, and the first failure ends a run. */
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import type { TestSpecification } from 'vitest/node';
import base from '../../vitest.config.ts';

/** Keeps the order in which the test files were asked for: the ones that are likely to fail go first. */
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
    // In a batch, many mutants share a process: `batch.ts`.
    ...(process.env.MUTATE_BATCH ? { isolate: false, maxWorkers: 1 } : { bail: 1 }),
    sequence: { sequencer: InOrder },
    // A test that fails now and then would count mutants as noticed.
    retry: 0,
  },
});
