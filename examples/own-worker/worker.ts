/** A worker with workflows and activities of its own, and Plimsoll's: `npm run worker`. */
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, Worker } from '@temporalio/worker';
import { PlimsollPlugin } from 'plimsoll';
import * as activities from './activities.ts';

const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
const connection = await NativeConnection.connect(connectionOptions);

const plimsoll = new PlimsollPlugin({
  // Where workers with a GPU have a task queue of their own, leave the role embed to them.
  roles: ['index', 'embed'],
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
await worker.run();
await connection.close();
