import { once } from 'node:events';
import { mkdir, readdir, readlink, truncate, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { peerOf } from '../../api/http/peer-limit.ts';
import { type RunningApi, startApi } from '../../api/start-server.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { drawPicture } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { settingsFor, uriOf } from './support/open-api.ts';

/** Long enough that even a busy machine sees the file open in between. */
const IDLE_MS = 3000;

let bench: Workbench;
let api: RunningApi;
let photo: string;
let dataset: string;

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
  photo = join(bench.folder, 'photos', 'a.jpg');
  await mkdir(join(bench.folder, 'photos'));
  await writeFile(photo, await drawPicture(1));
  await writeFile(join(bench.folder, 'photos', 'cut.jpg'), await drawPicture(2));
  dataset = bench.newDataset();
  await bench.load({ dataset, source: join(bench.folder, 'photos'), embed: false });
  await truncate(photo, 256 * 1024 * 1024);
  api = await startApi(settingsFor(uriOf(bench.store)), () => {}, { idleMs: IDLE_MS });
  await api.context.backends.mongodb.untilReady();
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

/** How often this process has the photo open. */
async function descriptors(): Promise<number> {
  const links = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
  return (await Promise.all(links)).filter((target) => target === photo).length;
}

async function dial({ port }: RunningApi): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

test.skipIf(process.platform !== 'linux')('an answer that is never read does not hold its file open', async () => {
  const { seq } = (await collectionsOf(bench.store).samples.findOne({ filepath: photo })) as { seq: number };
  const socket = await dial(api);
  socket.pause();
  socket.write(`GET /api/datasets/${dataset}/samples/${seq}/file HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await expect.poll(descriptors).toBe(1);
  await expect.poll(descriptors).toBe(0);
  socket.destroy();
});

test('an answer whose file is cut short ends its connection: the next one would be read as the rest of it', async () => {
  const cut = join(bench.folder, 'photos', 'cut.jpg');
  const { seq } = (await collectionsOf(bench.store).samples.findOne({ filepath: cut })) as { seq: number };
  await truncate(cut, 64 * 1024 * 1024);
  // Idle connections have the usual two minutes.
  const usual = await startApi(settingsFor(uriOf(bench.store)), () => {});
  await usual.context.backends.mongodb.untilReady();
  const socket = await dial(usual);
  try {
    let received = 0;
    socket.write(`GET /api/datasets/${dataset}/samples/${seq}/file HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const [head] = (await once(socket, 'data')) as [Buffer];
    expect(head.toString('latin1')).toMatch(/^HTTP\/1.1 200 .*content-length: 67108864\r\n/is);
    socket.pause();
    await truncate(cut, 1024 * 1024);
    socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
      expect(chunk.includes('alive')).toBe(false);
    });
    socket.resume();
    await once(socket, 'close', { signal: AbortSignal.timeout(PATIENCE_MS) });
    expect(received).toBeLessThan(64 * 1024 * 1024);
  } finally {
    socket.destroy();
    await usual.close();
  }
});

test('connections beyond the bound are closed at once', async () => {
  const bounded = await startApi(settingsFor(uriOf(bench.store)), () => {}, { mostConnections: 3, mostOfPeer: 10 });
  const sockets: Socket[] = [];
  try {
    for (let count = 0; count < 4; count += 1) sockets.push(await dial(bounded));
    await once(sockets[3]?.resume() as Socket, 'close');
  } finally {
    for (const socket of sockets) socket.destroy();
    await bounded.close();
  }
});

/** Ends only when the server has destroyed the connection: this side never closes its own half. */
async function dialHalfOpen({ port }: RunningApi, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host, allowHalfOpen: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** The code of the problem that the server sends, or the rest of what it sends. */
async function answerTo(socket: Socket, request: string): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  const ended = once(socket, 'end', { signal: AbortSignal.timeout(PATIENCE_MS) });
  socket.write(request);
  await ended;
  return /"code":"(\w+)"/.exec(text)?.[1] ?? text;
}

const HALF = 'GET /health HTTP/1.1\r\nHost: localhost\r\nX-Half: ';
const HALF_BODY =
  'POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{';
const HEALTH = 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
const STREAM = 'GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n';

const startWith = async (limits: Parameters<typeof startApi>[2], host = '127.0.0.1') => {
  const started = await startApi(settingsFor(uriOf(bench.store), { host }), () => {}, limits);
  await started.context.backends.mongodb.untilReady();
  return started;
};

test.each([
  ['sent by half', HALF, 'RequestTimeout'],
  ['that can not be read', 'HELLO\r\n\r\n', 'InvalidRequest'],
])('requests %s hold their connections no longer than their answer', async (_what, request, code) => {
  const most = 20;
  const bounded = await startWith({
    mostConnections: most,
    mostOfPeer: most,
    idleMs: 10 * PATIENCE_MS,
    timeouts: { headersTimeout: 300, requestTimeout: 300, connectionsCheckingInterval: 100 },
  });
  const sockets: Socket[] = [];
  try {
    for (let count = 0; count < most; count += 1) sockets.push(await dialHalfOpen(bounded));
    const answers = await Promise.all(sockets.map((socket) => answerTo(socket, request)));
    expect(new Set(answers)).toEqual(new Set([code]));
    // Each write fails once the connection is destroyed on the other side.
    await Promise.all(
      sockets.map(async (socket) => {
        await expect
          .poll(() => {
            socket.write('x');
            return socket.destroyed;
          })
          .toBe(true);
      }),
    );
  } finally {
    for (const socket of sockets) socket.destroy();
    await bounded.close();
  }
});

describe('one peer', () => {
  const most = 20;
  const opened: Socket[] = [];
  let bounded: RunningApi;
  const open = async (host?: string) => {
    const socket = await dialHalfOpen(bounded, host);
    opened.push(socket);
    return socket;
  };

  beforeAll(async () => {
    bounded = await startWith({ mostConnections: 4 * most, mostOfPeer: most }, '0.0.0.0');
  });

  afterAll(async () => {
    for (const socket of opened) socket.destroy();
    await bounded?.close();
  });

  test.each([
    ['head', HALF],
    ['body', HALF_BODY],
  ])('loses its oldest request of which the %s comes by half to a whole one', async (_what, request) => {
    const halves: Socket[] = [];
    for (let count = 0; count < most; count += 1) {
      const half = await open();
      half.resume().write(request);
      halves.push(half);
    }
    const lost = once(halves[0]?.resume() as Socket, 'end');
    expect(await answerTo(await open(), HEALTH)).toContain('alive');
    await lost;
    expect(halves.slice(1).some(({ readableEnded }) => readableEnded)).toBe(false);
  });

  test('is told that it has too many, while others are served', async () => {
    for (let count = 0; count < most; count += 1) {
      const stream = await open();
      stream.write(STREAM);
      await once(stream, 'data');
    }
    expect(await answerTo(await open(), HEALTH)).toBe('TooManyConnections');
    // One that sends nothing is closed long before its headers are late.
    expect(await answerTo(await open(), '')).toBe('');
    const own = Object.values(networkInterfaces())
      .flat()
      .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
    if (own !== undefined)
      expect(await answerTo(await open(own), HEALTH.replace('localhost', own))).not.toBe('TooManyConnections');
  });

  test.each([
    ['127.0.0.1', '127.9.9.9', true],
    ['127.0.0.1', '::ffff:127.0.0.1', true],
    ['127.0.0.1', '::1', true],
    ['10.0.0.1', '::ffff:10.0.0.1', true],
    ['10.0.0.1', '10.0.0.2', false],
    ['2001:db8:1:2::3', '2001:db8:1:2:9::4', true],
    ['2001:db8:1:2::3', '2001:db8:1:3::3', false],
  ])('%s and %s', (one, other, same) => {
    expect(peerOf(one) === peerOf(other)).toBe(same);
  });
});
