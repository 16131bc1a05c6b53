/** Runs a worker in a separate process: `node worker-process.ts ROLE TASK_QUEUE`. Tells its parent when it polls. */
import { NativeConnection } from '@temporalio/worker';
import { createWorker } from '../../workers/create-worker.ts';
import type { Role } from '../../workers/plugin/options.ts';

const [role, taskQueue = ''] = process.argv.slice(2);
const { MONGODB_URI: mongodb = '', TEMPORAL_ADDRESS: address = '' } = process.env;

const connection = await NativeConnection.connect({ address });
const worker = await createWorker({
  connection,
  namespace: 'default',
  role: role as Role,
  plugin: { mongodb },
  overrides: { taskQueue },
});
const running = worker.run();
process.send?.('ready');
await running;
await connection.close();
process.disconnect?.();
