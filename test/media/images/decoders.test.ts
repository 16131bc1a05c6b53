import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readFileSync } from 'node:fs';
import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { createDecoders, type Decoders } from '../../../core/media/images/decoder/decoders.ts';
import { identityOf } from '../../../core/sources/identity.ts';
import { ENDLESS_SVG } from '../../support/worst-files.ts';

let dir: string;
let decoders: Decoders;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'plimsoll-decoders-'));
});
afterAll(() => rm(dir, { recursive: true }));
beforeEach(() => {
  decoders = createDecoders({ most: 1 });
});
afterEach(() => decoders.close());

async function file(name: string, content: Buffer | string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, content);
  return path;
}

const photo = (format: 'jpeg' | 'gif' = 'jpeg') =>
  sharp({ create: { width: 60, height: 40, channels: 3, background: 'red' } })
    .toFormat(format)
    .toBuffer();

const thumbnailOf = (path: string) => ({
  type: 'thumbnail' as const,
  image: { path: Buffer.from(path), identity: identityOf(lstatSync(path, { bigint: true })) },
  side: 32,
});
const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    // A zombie has ended, although its parent has not waited for it yet.
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z');
  } catch {
    return false;
  }
};

it('draws, and tells what only a decoder can, with one process', async () => {
  const picture = await decoders.ask(thumbnailOf(await file('photo.jpg', await photo())), 10_000);
  expect(await sharp(picture).metadata()).toMatchObject({ format: 'webp', width: 32 });
  const paths = [await file('a.gif', await photo('gif')), join(dir, 'nowhere.gif'), await file('text.gif', 'text')];
  const images = paths.map((path) => ({ path }));
  expect(await decoders.ask({ type: 'metadata', images }, 10_000)).toMatchObject([
    { metadata: { width: 60, height: 40, orientation: 1 } },
    { failure: { code: 'file_not_found' } },
    { failure: { code: 'unsupported_format' } },
  ]);
  expect(decoders.pids()).toHaveLength(1);
});

it('ends the process of a picture without end, and starts another for who waits', async () => {
  const endless = decoders.ask(thumbnailOf(await file('endless.svg', ENDLESS_SVG)), 1000);
  const [pid] = decoders.pids() as [number];
  const next = decoders.ask(thumbnailOf(await file('next.jpg', await photo())), 10_000);
  await expect(endless).rejects.toMatchObject({ code: 'decode_timeout' });
  expect((await next).length).toBeGreaterThan(0);
  expect(decoders.pids()).not.toContain(pid);
  await expect.poll(() => isAlive(pid)).toBe(false);
});

it('says of a process that dies that its picture is at fault', async () => {
  const dying = decoders.ask(thumbnailOf(await file('endless.svg', ENDLESS_SVG)), 10_000);
  const [pid] = decoders.pids() as [number];
  // The decoder has begun to draw once it uses the processor.
  await expect.poll(() => cpuTicksOf(pid)).toBeGreaterThan(60);
  process.kill(pid, 'SIGKILL');
  await expect(dying).rejects.toMatchObject({ code: 'decode_failed', message: expect.stringContaining('SIGKILL') });
});

it('draws no file that took the place of the one that was examined', async () => {
  const order = thumbnailOf(await file('examined.jpg', await photo()));
  await rename(join(dir, 'examined.jpg'), join(dir, 'moved.jpg'));
  await symlink(await file('another.jpg', await photo()), join(dir, 'examined.jpg'));
  await expect(decoders.ask(order, 10_000)).rejects.toMatchObject({ code: 'file_not_found' });
});

it('opens no drawing for its size', async () => {
  const images = [{ path: await file('drawing.gif', ENDLESS_SVG) }];
  expect(await decoders.ask({ type: 'metadata', images }, 10_000)).toMatchObject([
    { failure: { code: 'unsupported_format' } },
  ]);
});

it('ends those that have nothing to do', async () => {
  const short = createDecoders({ most: 1, idleMs: 10 });
  await short.ask(thumbnailOf(await file('photo.jpg', await photo())), 10_000);
  const [pid] = short.pids();
  await expect.poll(() => pid === undefined || isAlive(pid)).toBe(false);
  expect(short.pids()).toEqual([]);
});

it('is told none of our secrets', async () => {
  process.env.PLIMSOLL_API_TOKENS = 'secret';
  try {
    await decoders.ask(thumbnailOf(await file('photo.jpg', await photo())), 10_000);
    const environment = readFileSync(`/proc/${decoders.pids()[0]}/environ`, 'utf8');
    expect(environment).toContain('PATH=');
    expect(environment).not.toContain('secret');
  } finally {
    delete process.env.PLIMSOLL_API_TOKENS;
  }
});

it.each(['SIGKILL', 'SIGTERM'] as const)('dies with its parent, in the midst of a picture (%s)', async (signal) => {
  const path = await file('endless.svg', ENDLESS_SVG);
  const { image, ...order } = thumbnailOf(path);
  const script = `
    import { createDecoders } from ${JSON.stringify(join(import.meta.dirname, '../../../core/media/images/decoder/decoders.ts'))};
    const image = { path: Buffer.from(${JSON.stringify(path)}), identity: ${JSON.stringify(image.identity)} };
    const decoders = createDecoders({ most: 1 });
    decoders.ask({ ...${JSON.stringify(order)}, image }, 100_000).catch(() => {});
    console.log(decoders.pids()[0]);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
  const pid = Number(line);
  await expect.poll(() => cpuTicksOf(pid)).toBeGreaterThan(60);
  parent.kill(signal);
  await expect.poll(() => isAlive(pid)).toBe(false);
});

/** Returns a process's CPU time in ticks, 100 a second. */
function cpuTicksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}
