#!/usr/bin/env node
/**
 * A worker process: `node workers/run.ts --role index|embed`. Connects to what MONGODB_URI and Temporal's own environment
 * (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, profiles) name, and works until SIGTERM or SIGINT.
 */
import { parseArgs } from 'node:util';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { DefaultLogger, NativeConnection, Runtime, type Worker } from '@temporalio/worker';
import { UserError } from '../core/errors.ts';
import { createWorker } from './create-worker.ts';
import type { Role } from './plugin/options.ts';

try {
  await run(roleOf(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(
    `${error instanceof UserError ? error.message : error instanceof Error ? error.stack : error}\n`,
  );
  process.exitCode = error instanceof UserError ? 2 : 1;
}

function roleOf(args: string[]): Role {
  const { role } = parseArgs({ args, options: { role: { type: 'string' } } }).values;
  if (role === 'index' || role === 'embed') return role;
  throw new UserError('InvalidRole', `--role must be index or embed, not ${role ?? 'left out'}.`);
}

async function run(role: Role): Promise<void> {
  const uri = process.env.MONGODB_URI;
  if (!uri)
    throw new UserError('InvalidSetting', 'MONGODB_URI is not set: name the MongoDB replica set to keep datasets in.');
  const logger = new DefaultLogger(logLevel(), (entry) => {
    const fields = entry.meta === undefined ? '' : ` ${JSON.stringify(entry.meta, plainErrors)}`;
    process.stderr.write(`${new Date().toISOString()} ${entry.level} ${entry.message}${fields}\n`);
  });
  Runtime.install({ logger });

  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = await NativeConnection.connect(connectionOptions);
  try {
    await serve(await createWorker({ connection, namespace, role, plugin: { mongodb: uri } }));
  } finally {
    await connection.close();
  }
}

/** Tells the parent process, if there is one that listens, once the worker polls. */
async function serve(worker: Worker): Promise<void> {
  const running = worker.run();
  process.send?.({ type: 'ready' });
  await running;
}

function logLevel(): 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' {
  const level = process.env.PLIMSOLL_LOG_LEVEL?.toUpperCase();
  return level === 'DEBUG' || level === 'INFO' || level === 'ERROR' ? level : 'WARN';
}

function plainErrors(_: string, value: unknown): unknown {
  if (value instanceof Error) return value.stack;
  return typeof value === 'bigint' ? String(value) : value;
}
