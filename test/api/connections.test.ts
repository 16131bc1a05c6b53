import { once } from 'node:events';
import { mkdir, readdir, readlink, truncate, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
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
  const bounded = await startApi(settingsFor(uriOf(bench.store)), () => {}, { mostConnections: 3 });
  const sockets: Socket[] = [];
  try {
    for (let count = 0; count < 4; count += 1) sockets.push(await dial(bounded));
    await once(sockets[3]?.resume() as Socket, 'close');
  } finally {
    for (const socket of sockets) socket.destroy();
    await bounded.close();
  }
});
