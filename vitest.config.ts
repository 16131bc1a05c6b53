import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/servers.ts'],
    // Processes of their own: native modules (sharp, Temporal's core, ONNX Runtime) don't share one well.
    pool: 'forks',
    // Two at a time beside the two servers: more only makes the timeouts of a small machine longer.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
  },
});
