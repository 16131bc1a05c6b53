// Starts a stack in a separate process, for tests that end that process: node hold-stack.ts DATA_DIR
import { fileURLToPath } from 'node:url';
import { startStack } from '../../../local/stack.ts';

const stack = await startStack({
  dataDir: process.argv[2] ?? '',
  ports: { temporal: 0, ui: 0, mongo: 0 },
  ui: 'off',
  roles: ['indexing'],
  workerModule: fileURLToPath(new URL('stand-in-worker.ts', import.meta.url)),
});
process.on('SIGTERM', () => stack.stop().then(() => process.exit(0)));
process.send?.(stack.pids);
