#!/usr/bin/env node
/**
 * A worker process: `node workers/run.ts --role indexing|embedding`. Connects to the servers that MONGODB_URI and
 * Temporal's own environment (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, profiles) name. Runs until SIGTERM or SIGINT.
 */
import { setFlagsFromString } from 'node:v8';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { DefaultLogger, type LogEntry, NativeConnection, Runtime, type Worker } from '@temporalio/worker';
import { UserError } from '../core/errors.ts';
import { openStore } from '../core/store/open.ts';
import { devicesName, settingsFromEnvironment } from '../inference/settings.ts';
import { createWorker } from './create-worker.ts';
import { createReadiness } from './health.ts';
import { healthPort, serveHealth } from './health-server.ts';
import type { Role } from './plugin/options.ts';
import { roleArgument, USAGE } from './role-argument.ts';
import { startupFault } from './startup-faults.ts';
import { untilPolled } from './until-polled.ts';

const mongodbUri = process.env.MONGODB_URI ?? '';
let address = 'localhost:7233';

try {
  const role = roleArgument(process.argv.slice(2));
  if (role === 'help') process.stdout.write(USAGE);
  else await run(role);
} catch (error) {
  process.stderr.write(`${startupFault(error, { mongodbUri, address })}\n`);
  process.exitCode = error instanceof UserError ? 2 : 1;
}

async function run(role: Role): Promise<void> {
  if (mongodbUri === '')
    throw new UserError('InvalidSetting', 'MONGODB_URI is not set: name the MongoDB replica set to keep datasets in.');
  // Vectors pass through memory beside V8's heap. For their sake V8 would mark a small heap twice a second, which takes a
  // fifth of two cores.
  if (role === 'embedding') setFlagsFromString('--heap-growing-percent=200');
  const logger = new DefaultLogger(logLevel(), (entry) => {
    if (isFalseAlarm(entry)) return;
    const fields = entry.meta === undefined ? '' : ` ${JSON.stringify(entry.meta, plainErrors)}`;
    process.stderr.write(`${new Date().toISOString()} ${entry.level} ${entry.message}${fields}\n`);
  });
  Runtime.install({ logger });

  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  address = connectionOptions.address ?? address;
  const port = healthPort(process.env);
  const store = openStore(mongodbUri);
  const closes = [() => store.close()];
  try {
    let worker: Worker | undefined;
    // The port is open before the servers are asked: a start may take a while, and is no hang.
    const readiness = createReadiness(store, () => worker);
    if (port !== undefined) closes.push(await serveHealth(port, readiness));
    const connection = await NativeConnection.connect(connectionOptions);
    closes.push(() => connection.close());
    worker = await createWorker({ connection, namespace, role, plugin: { mongodb: store.client } });
    await serve(worker, role);
  } finally {
    for (const close of closes.reverse()) await close();
  }
}

/** Runs the worker. Tells a parent process when the worker runs, and prints a line when the server sees it poll. */
async function serve(worker: Worker, role: Role): Promise<void> {
  const running = worker.run();
  process.send?.({ type: 'ready' });
  if (logLevel() !== 'ERROR') {
    void untilPolled(worker).then(() => {
      if (worker.getState() !== 'RUNNING') return;
      const { taskQueue, workerDeploymentOptions } = worker.options;
      const { deploymentName, buildId } = workerDeploymentOptions?.version ?? {};
      const version = deploymentName === undefined ? '' : `, as version ${deploymentName}:${buildId}`;
      process.stderr.write(
        `The ${role} worker polls task queue ${taskQueue} at ${address}${version}${onDevices(role)}.\n`,
      );
    });
  }
  await running;
}

/** The devices of an embedding worker, as the end of a line: `, on cuda:0,cuda:1`. */
function onDevices(role: Role): string {
  return role === 'embedding' ? `, on ${devicesName(settingsFromEnvironment().devices)}` : '';
}

/** The SDK warns about a worker without workflows; embedding workers have none on purpose. */
function isFalseAlarm({ message }: LogEntry): boolean {
  return message.startsWith('No workflows registered');
}

function logLevel(): 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' {
  const level = process.env.PLIMSOLL_LOG_LEVEL?.toUpperCase();
  return level === 'DEBUG' || level === 'INFO' || level === 'ERROR' ? level : 'WARN';
}

function plainErrors(_: string, value: unknown): unknown {
  if (value instanceof Error) return value.stack;
  return typeof value === 'bigint' ? String(value) : value;
}
