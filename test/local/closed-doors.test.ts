import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { MongoClient } from 'mongodb';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Stack, startStack } from '../../local/stack.ts';
import { readStack } from '../../local/stack-file.ts';
import { launchChromium } from '../support/chromium.ts';

/** A site of somebody else, whose name leads to this machine. */
const EVIL = 'evil.example';
const WORKFLOW = 'left-alone';

let folder: string;
let browser: Browser;
let evil: Server;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-doors-'));
  evil = createServer((_, answer) => answer.setHeader('content-type', 'text/html').end('<title>evil</title>'));
  evil.listen(0, '127.0.0.1');
  [browser] = await Promise.all([
    launchChromium([`--host-resolver-rules=MAP ${EVIL} 127.0.0.1`]),
    once(evil, 'listening'),
  ]);
});

afterAll(async () => {
  await browser?.close();
  evil?.close();
  await rm(folder, { recursive: true, force: true });
});

const start = (dataDir: string, open: boolean) =>
  startStack({ dataDir, open, roles: [], ports: { temporal: 0, ui: 0, mongo: 0 }, api: { port: 0 } });

async function visit(url: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(url);
  return page;
}

const visitEvil = () => visit(`http://${EVIL}:${(evil.address() as AddressInfo).port}/`);

async function withTemporal<T>(stack: Stack, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: stack.temporalAddress });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

/** Starts a workflow that nobody takes up. */
const startWorkflow = (stack: Stack) =>
  withTemporal(stack, (client) =>
    client.workflow.start('anything', {
      workflowId: WORKFLOW,
      taskQueue: 'nobody',
      workflowIdConflictPolicy: 'USE_EXISTING',
    }),
  );

const stateOf = (stack: Stack) =>
  withTemporal(stack, async (client) => (await client.workflow.getHandle(WORKFLOW).describe()).status.name);

/** The addresses at which a process listens, as URLs. */
async function listensAt(pid: number): Promise<string[]> {
  const sockets = new Set<string>();
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const inode = /^socket:\[(\d+)\]$/.exec(await readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''))?.[1];
    if (inode !== undefined) sockets.add(inode);
  }
  const LISTENING = '0A';
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/));
  return lines
    .filter((line) => line[3] === LISTENING && sockets.has(line[9] ?? ''))
    .map((line) => {
      const [address = '', port = ''] = (line[1] ?? '').split(':');
      return `http://${Buffer.from(address, 'hex').reverse().join('.')}:${Number.parseInt(port, 16)}`;
    });
}

/** Terminates the workflow as a page of another site would: without an answer that it could read. */
async function terminateFrom(page: Page, urls: readonly string[]): Promise<void> {
  const path = `/api/v1/namespaces/default/workflows/${WORKFLOW}/terminate`;
  await page.evaluate(
    ([addresses, where]) =>
      Promise.all(
        (addresses as string[]).map((url) =>
          fetch(`${url}${where}`, { method: 'POST', mode: 'no-cors', body: '{"reason":"evil"}' }).catch(() => {}),
        ),
      ),
    [urls, path] as const,
  );
}

/** Calls with headers that only browsers may set. Returns the status. */
async function call(url: string, headers: Record<string, string>, method = 'GET'): Promise<number | undefined> {
  const asking = request(url, { method, headers }).end();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  answer.resume();
  return answer.statusCode;
}

describe('a stack', () => {
  let stack: Stack;
  let dataDir: string;

  beforeAll(async () => {
    dataDir = join(folder, 'closed');
    stack = await start(dataDir, false);
  });

  afterAll(() => stack?.stop());

  test('answers nobody who has no token, and knows it at the next start', async () => {
    const asked = (token?: string) =>
      fetch(
        `${stack.apiUrl}/api/datasets`,
        token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
      );
    expect((await asked()).status).toBe(401);
    expect((await asked(stack.apiToken)).status).toBe(200);
    const load = { dataset: 'x', source: '/etc' };
    const posted = await fetch(`${stack.apiUrl}/api/loads`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(load),
    });
    expect(posted.status).toBe(401);
    expect(await readFile(join(dataDir, 'token'), 'utf8')).toBe(`${stack.apiToken}\n`);
    expect((await readStack(dataDir))?.apiToken).toBe(stack.apiToken);
  });

  test('has a mongod that takes nothing without its password', async () => {
    const url = new URL(stack.mongodbUri);
    expect(url.password).toMatch(/^[\w-]{43}$/);
    url.password = '';
    url.username = '';
    url.searchParams.delete('authSource');
    const ping = async (uri: string) => {
      const client = new MongoClient(uri);
      try {
        await client.db('doors').collection('any').insertOne({});
        return await client.db('doors').collection('any').countDocuments();
      } finally {
        await client.close();
      }
    };
    await expect(ping(url.href)).rejects.toMatchObject({ codeName: 'Unauthorized' });
    expect(await ping(stack.mongodbUri)).toBe(1);
  });

  test('keeps its folder, its databases, its logs and its secrets to its owner', async () => {
    expect(((await stat(dataDir)).mode & 0o777).toString(8)).toBe('700');
    const files = (await readdir(dataDir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    const wide: string[] = [];
    for (const { parentPath, name } of files) {
      // mongod makes and removes files of its journal all the time.
      const facts = await stat(join(parentPath, name)).catch(() => undefined);
      if (facts !== undefined && (facts.mode & 0o077) !== 0) wide.push(name);
    }
    expect(wide).toEqual([]);
    expect(files.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'stack.json',
        'token',
        'mongod.key',
        'temporal.db',
        'temporal.log',
        'mongod.log',
        'api.log',
      ]),
    );
  });

  test('has a Temporal that pages of other sites can not drive, by any of its ports', async () => {
    await startWorkflow(stack);
    const ports = await listensAt(stack.pids.temporal as number);
    expect(ports.length).toBeGreaterThan(2);
    const page = await visitEvil();
    await terminateFrom(page, [...ports, stack.uiUrl as string]);
    expect(await stateOf(stack)).toBe('RUNNING');
    await page.close();
  });

  test("serves Temporal's page under the names of this machine alone, and to itself alone", async () => {
    const { port } = new URL(stack.uiUrl as string);
    const page = await visit(stack.uiUrl as string);
    await page.getByText(WORKFLOW).first().waitFor();
    const own = (path: string, init = {}) =>
      page.evaluate(async ([at, how]) => (await fetch(at as string, how as object)).status, [path, init] as const);
    expect(await own('/api/v1/namespaces')).toBe(200);
    await page.close();

    const rebound = await visit(`http://${EVIL}:${port}/api/v1/namespaces`);
    expect(await rebound.textContent('body')).toContain('Call this page as localhost');
    await rebound.close();

    // Temporal's own web server, which answers to any name, is at no address that a page would think of.
    const status = (url: string) => call(url, { host: EVIL }).catch(() => 0);
    const near = (await listensAt(stack.pids.temporal as number)).filter((url) => url.startsWith('http://127.0.0.1:'));
    expect(near.length).toBeGreaterThan(2);
    expect(await Promise.all(near.map((url) => status(`${url}/api/v1/namespaces`)))).not.toContain(200);

    // What browsers say of the pages that call.
    const asked = (headers: Record<string, string>, method = 'GET') =>
      call(`${stack.uiUrl}/api/v1/namespaces`, headers, method);
    const follows = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    expect(await asked({})).toBe(200);
    expect(await asked({ origin: stack.uiUrl as string })).toBe(200);
    expect(await asked({ origin: `http://${EVIL}` })).toBe(403);
    expect(await asked({ 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' })).toBe(403);
    expect(await asked(follows)).toBe(200);
    expect(await asked(follows, 'POST')).toBe(403);
  });

  test('tells with the page that Temporal is away', async () => {
    await stack.members.temporal?.stop();
    const answer = await fetch(`${stack.uiUrl}/`);
    expect([answer.status, await answer.text()]).toEqual([502, 'Temporal is not up at the moment.\n']);
    await stack.members.temporal?.start();
    expect((await fetch(`${stack.uiUrl}/`)).status).toBe(200);
  });
});

test('an open stack has no token and no password, and any page drives its Temporal; closed again, it keeps its data', async () => {
  const dataDir = join(folder, 'open');
  const stack = await start(dataDir, true);
  expect((await fetch(`${stack.apiUrl}/api/datasets`)).status).toBe(200);
  expect(new URL(stack.mongodbUri).password).toBe('');
  const client = new MongoClient(stack.mongodbUri);
  await client.db('doors').collection('any').insertOne({});
  await client.close();
  await startWorkflow(stack);
  const page = await visitEvil();
  await terminateFrom(page, await listensAt(stack.pids.temporal as number));
  await expect.poll(() => stateOf(stack)).toBe('TERMINATED');
  await stack.stop();

  const closed = await start(dataDir, false);
  const again = new MongoClient(closed.mongodbUri);
  expect(await again.db('doors').collection('any').countDocuments()).toBe(1);
  await again.close();
  await closed.stop();

  // The key is lost: the next one lets its holder in as well.
  await rm(join(dataDir, 'mongod.key'));
  const other = await start(dataDir, false);
  expect(other.mongodbUri.split('@')[0]).not.toBe(closed.mongodbUri.split('@')[0]);
  const last = new MongoClient(other.mongodbUri);
  expect(await last.db('doors').collection('any').countDocuments()).toBe(1);
  await last.close();
  await other.stop();
});
