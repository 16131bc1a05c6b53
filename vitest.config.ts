import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { cacheFolder } from './core/cache-folder.ts';
import { LongestFirst } from './test/support/longest-first.ts';
import { PATIENCE_MS, POLL_MS } from './test/support/patience.ts';

// Workers, encoders and commands are started some hundred times, and compiling their modules is half of a start.
process.env.NODE_COMPILE_CACHE ??= join(cacheFolder(process.env), 'compiled');

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/servers.ts'],
    // Processes of their own: native modules (sharp, Temporal's core, ONNX Runtime) don't share one well.
    pool: 'forks',
    // A process of its own for each file would import Temporal and MongoDB's driver 160 times.
    isolate: false,
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
