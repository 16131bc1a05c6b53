import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';
import { PATIENCE_MS, POLL_MS } from './test/support/patience.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/servers.ts'],
    // Processes of their own: native modules (sharp, Temporal's core, ONNX Runtime) don't share one well.
    pool: 'forks',
    // One more than a small machine has cores: many tests wait, for a process to start or for a time to come.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    // Limits are for what never comes. A machine with other work to do is slow, and that is no fault.
    testTimeout: 6 * PATIENCE_MS,
    hookTimeout: 6 * PATIENCE_MS,
    teardownTimeout: PATIENCE_MS,
    expect: { poll: { timeout: PATIENCE_MS, interval: POLL_MS } },
  },
});
