import { defineConfig } from 'vitest/config';
import { PATIENCE_MS } from './test/support/patience.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/servers.ts'],
    // Processes of their own: native modules (sharp, Temporal's core, ONNX Runtime) don't share one well.
    pool: 'forks',
    // Two at a time beside the two servers: more only makes the timeouts of a small machine longer.
    maxWorkers: 2,
    // Limits are for what never comes. A machine with other work to do is slow, and that is no fault.
    testTimeout: 5 * PATIENCE_MS,
    hookTimeout: 5 * PATIENCE_MS,
    teardownTimeout: PATIENCE_MS,
    expect: { poll: { timeout: PATIENCE_MS } },
  },
});
