/** A worker with workflows and activities of its own, and Plimsoll's: `npm run worker`. */
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { PlimsollPlugin } from 'plimsoll';
import * as activities from './activities.ts';

// Without the bundler's report, which is at INFO.
Runtime.install({ logger: new DefaultLogger('WARN') });

const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
const connection = await NativeConnection.connect(connectionOptions);

const plimsoll = new PlimsollPlugin({
  // If separate workers have the GPU, leave the role embedding to them.
  roles: ['indexing', 'embedding'],
  mongodb: process.env.MONGODB_URI ?? 'mongodb://127.0.0.1:27017/?replicaSet=plimsoll',
});

const worker = await Worker.create({
  connection,
  namespace,
  taskQueue: 'photos',
  workflowsPath: new URL('./workflows.ts', import.meta.url).pathname,
  activities,
  plugins: [plimsoll],
});
const running = worker.run();
console.error(`The worker polls task queue photos at ${connectionOptions.address ?? 'localhost:7233'}.`);
await running;
await connection.close();
