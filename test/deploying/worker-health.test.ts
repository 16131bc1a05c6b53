import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { claimPort } from '../../local/ports.ts';
import { type CommandBench, createCommandBench } from '../cli/command-bench.ts';
import { openRelay, type Relay } from './relay.ts';

const ENTRY = join(import.meta.dirname, '../../workers/run.ts');

let bench: CommandBench;
let mongodb: Relay;
let temporal: Relay;
/** The servers of `bench`, through the relays. */
let env: NodeJS.ProcessEnv;
const stops: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  bench = await createCommandBench();
  const uri = new URL(bench.env.MONGODB_URI ?? '');
  mongodb = await openRelay(uri.host);
  temporal = await openRelay(bench.env.TEMPORAL_ADDRESS ?? '');
  env = {
    ...bench.env,
    // A client that knows the replica set's members would go past the relay.
    MONGODB_URI: `mongodb://${mongodb.address}${uri.pathname}?directConnection=true`,
    TEMPORAL_ADDRESS: temporal.address,
  };
});
afterEach(() => Promise.all(stops.splice(0).map((stop) => stop())));
afterAll(async () => {
  await Promise.all([mongodb?.cut(), temporal?.cut(), bench?.stop()]);
});

const anyPort = () => claimPort(0, { role: 'probes', flag: '', instead: '' });

async function startWorker(port: number | string, role = 'embedding') {
  const worker = spawn(process.execPath, [ENTRY, '--role', role], {
    env: { ...env, PLIMSOLL_HEALTH_PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  worker.stderr.setEncoding('utf8').on('data', (text) => (said += text));
  const ended = once(worker, 'close').then(([code]) => ({ code, said }));
  stops.push(() => {
    worker.kill('SIGTERM');
    return ended;
  });
  return { worker, ended };
}

/** Asks a worker; undefined if its port is closed. */
async function ask(port: number, path: string) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
  if (response === undefined) return undefined;
  return { status: response.status, body: await response.json() };
}

const READY = {
  status: 200,
  body: {
    ready: true,
    worker: { ready: true, detail: 'The worker polls.' },
    mongodb: { ready: true, detail: 'MongoDB answers.' },
    temporal: { ready: true, detail: 'Temporal answers.' },
  },
};

describe('the health port of a worker', () => {
  it.each(['indexing', 'embedding'])('says when a worker of role %s polls, and closes with it', async (role) => {
    const port = await anyPort();
    const { worker, ended } = await startWorker(port, role);

    await expect.poll(() => ask(port, '/ready')).toEqual(READY);
    expect(await ask(port, '/health')).toEqual({ status: 200, body: { status: 'alive' } });
    expect(await ask(port, '/')).toMatchObject({ status: 404 });

    worker.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0 });
    expect(await ask(port, '/health')).toBeUndefined();
  });

  it('names the server that is away, and keeps the worker alive', async () => {
    const port = await anyPort();
    await startWorker(port);
    await expect.poll(() => ask(port, '/ready')).toEqual(READY);

    await mongodb.cut();
    await expect
      .poll(() => ask(port, '/ready'))
      .toMatchObject({
        status: 503,
        body: { ready: false, mongodb: { ready: false }, temporal: { ready: true } },
      });
    await mongodb.mend();
    await temporal.cut();
    await expect
      .poll(() => ask(port, '/ready'))
      .toMatchObject({
        status: 503,
        body: { ready: false, mongodb: { ready: true }, temporal: { ready: false } },
      });
    expect(await ask(port, '/health')).toMatchObject({ status: 200 });
    await temporal.mend();
    await expect.poll(() => ask(port, '/ready')).toEqual(READY);
  });

  it('is open before a server was reached, and not ready', async () => {
    await temporal.cut();
    const silent = createServer().listen(Number(temporal.address.split(':')[1]), '127.0.0.1');
    const port = await anyPort();
    const { worker, ended } = await startWorker(port);

    await expect
      .poll(() => ask(port, '/ready'))
      .toMatchObject({
        status: 503,
        body: { ready: false, worker: { ready: false, detail: 'The worker is starting.' } },
      });
    expect(await ask(port, '/health')).toMatchObject({ status: 200 });

    worker.kill('SIGKILL');
    await ended;
    silent.close();
    await temporal.mend();
  });

  it('is refused in a sentence if it is no port, or taken', async () => {
    expect(await (await startWorker('http')).ended).toEqual({
      code: 2,
      said: 'PLIMSOLL_HEALTH_PORT is "http"; a port from 1 to 65535 is expected.\n',
    });
    const taken = createServer().listen(0);
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    expect(await (await startWorker(port)).ended).toEqual({
      code: 2,
      said: `PLIMSOLL_HEALTH_PORT: port ${port} is taken. Choose another.\n`,
    });
    taken.close();
  });
});
