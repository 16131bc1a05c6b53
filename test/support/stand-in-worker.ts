/**
 * An embedding worker without a device, in a process of its own: `node stand-in-worker.ts QUEUE ITEMS_PER_SECOND`. It
 * finds its servers in MONGODB_URI and TEMPORAL_ADDRESS, and tells its parent when it runs.
 */
import process from 'node:process';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { imagesMedium } from '../../core/media/images/medium.ts';
import { createWorker } from '../../workers/create-worker.ts';
import { linesMedium } from './lines-medium.ts';
import { createStandIn } from './stand-in-embedder.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });
const [taskQueue = '', perSecond] = process.argv.slice(2);
const connection = await NativeConnection.connect({ address: process.env.TEMPORAL_ADDRESS ?? '' });
const worker = await createWorker({
  connection,
  namespace: 'default',
  role: 'embedding',
  plugin: {
    mongodb: process.env.MONGODB_URI ?? '',
    media: [imagesMedium(), linesMedium()],
    embedder: createStandIn({ perSecond: Number(perSecond) }),
  },
  overrides: { taskQueue },
});
const running = worker.run();
process.send?.('ready');
process.once('disconnect', () => process.exit());
await running;
