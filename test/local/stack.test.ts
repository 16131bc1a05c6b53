import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { MongoClient } from 'mongodb';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { identify } from '../../local/process-identity.ts';
import type { ServersOptions } from '../../local/servers.ts';
import { startServers } from '../../local/servers.ts';
import { type Stack, type StackOptions, startStack } from '../../local/stack.ts';
import { readStack } from '../../local/stack-file.ts';

const ANY_PORTS = { temporal: 0, ui: 0, mongo: 0 };
const STAND_IN_WORKER = processFile('stand-in-worker.ts');

let dataDir: string;
let lines: string[];
let stacks: { stop(): Promise<void> }[];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'stack-test-'));
  lines = [];
  stacks = [];
});

afterEach(async () => {
  await Promise.all(stacks.map((stack) => stack.stop()));
  await rm(dataDir, { recursive: true, force: true });
});

describe('starting and stopping', () => {
  test('data is kept from one start to the next, on other ports too', async () => {
    const first = await servers();
    await insertOne(first.mongodbUri);
    const execution = await startWorkflow(first.temporalAddress);
    await first.stop();

    const second = await servers();
    expect(await countOf(second.mongodbUri)).toBe(1);
    expect(await describeWorkflow(second.temporalAddress, execution)).toBe('RUNNING');
  });

  test('the folder says where the stack answers while it runs', async () => {
    const running = await stack();
    expect(await readStack(dataDir)).toMatchObject({
      pid: process.pid,
      mongodbUri: running.mongodbUri,
      temporalAddress: running.temporalAddress,
    });
    await running.stop();
    expect(await readStack(dataDir)).toBeUndefined();
    expect(existsSync(join(dataDir, 'stack.json'))).toBe(false);
  });

  test('stopping ends every process', async () => {
    const running = await stack();
    const pids = Object.values(running.pids);
    expect(pids).toHaveLength(3);
    await running.stop();
    expect(await Promise.all(pids.map(identify))).toEqual(pids.map(() => undefined));
  });

  test('a second start in the same folder names the process that has it', async () => {
    await servers();
    await expect(servers()).rejects.toMatchObject({
      code: 'StackRunning',
      message: expect.stringContaining(`process ${process.pid}`),
    });
  });

  test('a taken port is named, with its role, the flag and the variable', async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const { port } = occupant.address() as { port: number };
    const error = await servers({ ports: { ...ANY_PORTS, mongo: port } }).catch((reason: unknown) => reason);
    occupant.close();
    expect(error).toMatchObject({ code: 'PortTaken' });
    for (const part of [`Port ${port}`, 'mongod', '--mongo-port', 'MONGODB_URI']) {
      expect((error as Error).message).toContain(part);
    }
    expect(existsSync(join(dataDir, 'stack.json'))).toBe(false);
  });

  test('a canceled start leaves nothing behind', async () => {
    const cancel = new AbortController();
    const starting = servers({ signal: cancel.signal });
    await expect.poll(() => existsSync(join(dataDir, 'logs', 'mongod.log')), { interval: 5 }).toBe(true);
    cancel.abort();
    await expect(starting).rejects.toMatchObject({ code: 'StartCanceled' });
    expect(existsSync(join(dataDir, 'stack.json'))).toBe(false);
  });
});

describe('servers of the environment', () => {
  test('those that the environment names are used and none is started for them', async () => {
    const running = await servers({
      env: { ...process.env, MONGODB_URI: inject('mongodbUri'), TEMPORAL_ADDRESS: inject('temporalAddress') },
    });
    expect(running.mongodbUri).toBe(inject('mongodbUri'));
    expect(running.temporalAddress).toBe(inject('temporalAddress'));
    expect(running.pids).toEqual({});
  });

  test('one that does not answer is an error that names its variable', async () => {
    const unused = 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200';
    await expect(servers({ env: { ...process.env, MONGODB_URI: unused } })).rejects.toMatchObject({
      code: 'MongoDBUnreachable',
      message: expect.stringContaining('MONGODB_URI'),
    });
  });
});

describe('a process that dies', () => {
  test('mongod is started again with its data', async () => {
    const running = await servers();
    await insertOne(running.mongodbUri);
    const before = running.pids.mongod;
    await running.members.mongod?.kill();
    await running.members.mongod?.ready();
    expect(running.pids.mongod).not.toBe(before);
    expect(await countOf(running.mongodbUri)).toBe(1);
    expect(lines.join('\n')).toContain('mongod died (SIGKILL); starting it again');
  });

  test('a worker is started again', async () => {
    const running = await stack();
    const worker = running.members['worker-indexing'];
    const before = worker?.pid;
    await worker?.kill();
    await worker?.ready();
    expect(worker?.pid).not.toBe(before);
    expect(lines.join('\n')).toContain('worker-indexing died (SIGKILL); starting it again');
  });

  test('one that was stopped stays down until it is started', async () => {
    const running = await servers();
    const { temporal } = running.members;
    await temporal?.stop();
    expect(temporal?.pid).toBeUndefined();
    await temporal?.start();
    expect(await namespaceOf(running.temporalAddress)).toBe('default');
  });

  test('one that keeps dying stops the stack, with its log in the error', async () => {
    const order = join(dataDir, 'die');
    const running = await stack({ env: { ...process.env, STAND_IN_DIES: order } });
    const pids = Object.values(running.pids);
    await writeFile(order, '');
    await running.members['worker-indexing']?.kill();
    const error = await running.failed;
    expect(error).toMatchObject({ code: 'CrashLoop' });
    expect(error.message).toContain(join(dataDir, 'logs', 'worker-indexing.log'));
    expect(error.message).toContain('the stand-in was told to die');
    expect(await Promise.all(pids.map(identify))).toEqual(pids.map(() => undefined));
  });

  test('one that dies at the first start is an error with its log, and stops the rest', async () => {
    const order = join(dataDir, 'die');
    await writeFile(order, '');
    await expect(stack({ env: { ...process.env, STAND_IN_DIES: order } })).rejects.toMatchObject({
      code: 'StartFailed',
      message: expect.stringContaining('the stand-in was told to die'),
    });
    expect(existsSync(join(dataDir, 'stack.json'))).toBe(false);
  });
});

describe('when the process that started the stack is killed', () => {
  test('its servers and workers end too', async () => {
    const { holder, pids } = await holdStack();
    holder.kill('SIGKILL');
    await expect.poll(() => Promise.all(pids.map(identify))).toEqual(pids.map(() => undefined));
  });

  test('what it leaves behind, if its guard is killed as well, is ended by the next start', async () => {
    const { holder, pids } = await holdStack();
    await killWithGuard(holder);
    expect((await Promise.all(pids.map(identify))).filter(Boolean)).toHaveLength(3);
    await servers();
    expect(await Promise.all(pids.map(identify))).toEqual(pids.map(() => undefined));
    expect(lines.join('\n')).toContain('which an earlier stack left running');
  });
});

async function servers(options: Partial<ServersOptions> = {}) {
  const started = await startServers({ dataDir, ports: ANY_PORTS, ui: 'off', report, ...options });
  stacks.push(started);
  return started;
}

async function stack(options: Partial<StackOptions> = {}): Promise<Stack> {
  const workers: Partial<StackOptions> = { roles: ['indexing'], workerModule: STAND_IN_WORKER };
  const started = await startStack({ dataDir, ports: ANY_PORTS, ui: 'off', report, ...workers, ...options });
  stacks.push(started);
  return started;
}

function report(line: string): void {
  lines.push(line);
}

async function holdStack(): Promise<{ holder: ChildProcess; pids: number[] }> {
  const holder = fork(processFile('hold-stack.ts'), [dataDir], { execArgv: [] });
  stacks.push({ stop: async () => void holder.kill('SIGKILL') });
  const [pids] = (await once(holder, 'message')) as [Record<string, number>];
  return { holder, pids: Object.values(pids) };
}

/** Stops the holder first, so that it cannot start another guard before its end. */
async function killWithGuard(holder: ChildProcess): Promise<void> {
  const gone = once(holder, 'exit');
  holder.kill('SIGSTOP');
  const children = await readFile(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8');
  for (const pid of children.trim().split(' ').map(Number)) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    if (command.includes('guard-process')) process.kill(pid, 'SIGKILL');
  }
  holder.kill('SIGKILL');
  await gone;
}

async function insertOne(uri: string): Promise<void> {
  await using client = new MongoClient(uri);
  await client
    .db('stack-test')
    .collection('samples')
    .insertOne({ seq: 1 }, { writeConcern: { w: 'majority' } });
}

async function countOf(uri: string): Promise<number> {
  await using client = new MongoClient(uri);
  return await client.db('stack-test').collection('samples').countDocuments();
}

async function startWorkflow(address: string): Promise<string> {
  const connection = await Connection.connect({ address });
  const { workflowId } = await new Client({ connection }).workflow.start('nothing', {
    workflowId: 'kept',
    taskQueue: 'nobody',
  });
  await connection.close();
  return workflowId;
}

async function describeWorkflow(address: string, workflowId: string): Promise<string> {
  const connection = await Connection.connect({ address });
  const { status } = await new Client({ connection }).workflow.getHandle(workflowId).describe();
  await connection.close();
  return status.name;
}

async function namespaceOf(address: string): Promise<string | null | undefined> {
  const connection = await Connection.connect({ address });
  const { namespaceInfo } = await connection.workflowService.describeNamespace({ namespace: 'default' });
  await connection.close();
  return namespaceInfo?.name;
}

function processFile(file: string): string {
  return fileURLToPath(new URL(`processes/${file}`, import.meta.url));
}
