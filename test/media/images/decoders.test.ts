import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readFileSync } from 'node:fs';
import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { DEFAULT_DECODE_LIMITS } from '../../../core/media/images/decode-limits.ts';
import { askMetadata } from '../../../core/media/images/decoder/ask-metadata.ts';
import { createDecoders, type Decoders } from '../../../core/media/images/decoder/decoders.ts';
import { createDecoding } from '../../../core/media/images/decoding.ts';
import type { PixelGeometry } from '../../../core/media/images/resize.ts';
import { openThumbnailer } from '../../../core/media/images/thumbnailer.ts';
import { folderSource } from '../../../core/sources/folder/folder-source.ts';
import { identityOf } from '../../../core/sources/identity.ts';
import { cpuTicksOf, isAlive } from '../../support/processes.ts';
import { standStill } from '../../support/stand-still.ts';
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

it('tries a picture again in another process when those of before stand still', async () => {
  const thumbnailer = openThumbnailer({ processes: 2, timeoutMs: 3000 });
  try {
    const photoFile = await file('again.jpg', await photo());
    const draw = async () => {
      const open = await folderSource().open({ path: photoFile });
      return thumbnailer.draw(open, 32).finally(() => open.close());
    };
    await Promise.all([draw(), draw()]);
    const stopped = thumbnailer.pids();
    expect(stopped).toHaveLength(2);
    for (const pid of stopped) process.kill(pid, 'SIGSTOP');
    expect(await sharp(await draw()).metadata()).toMatchObject({ format: 'webp', width: 32 });
    await expect.poll(() => stopped.filter(isAlive)).toEqual([]);
  } finally {
    thumbnailer.close();
  }
});

it('reads metadata again, each picture alone, when their process stands still', async () => {
  const gif = await file('b.gif', await photo('gif'));
  await askMetadata(decoders, [{ path: gif }], 10_000, () => {});
  const [pid] = decoders.pids() as [number];
  process.kill(pid, 'SIGSTOP');
  let tries = 0;
  const found = await askMetadata(decoders, [{ path: gif }, { path: gif }], 3000, () => {
    tries += 1;
  });
  expect(found).toMatchObject([{ metadata: { width: 60 } }, { metadata: { width: 60 } }]);
  expect(tries).toBe(2);
  await expect.poll(() => isAlive(pid)).toBe(false);
});

it('reads the metadata of one picture again, too', async () => {
  const gif = await file('c.gif', await photo('gif'));
  await askMetadata(decoders, [{ path: gif }], 10_000, () => {});
  process.kill(decoders.pids()[0] as number, 'SIGSTOP');
  expect(await askMetadata(decoders, [{ path: gif }], 3000, () => {})).toMatchObject([{ metadata: { width: 60 } }]);
});

it('takes no answer for late that came while its own process stood still', async () => {
  const order = thumbnailOf(await file('frozen.jpg', await photo()));
  await decoders.ask(order, 10_000);
  const asked = decoders.ask(order, 1000);
  // The order is sent when the loop runs once more.
  await setImmediate();
  standStill(2000);
  expect((await asked).length).toBeGreaterThan(0);
});

it('gives up no decode of its own while the process stood still', async () => {
  const crop = { width: 4, height: 4 };
  const geometry: PixelGeometry = { resize: { fit: 'fill', ...crop, kernel: 'nearest' }, crop };
  const decoding = createDecoding(geometry, { ...DEFAULT_DECODE_LIMITS, timeoutSeconds: 1 }, 1);
  const onLate = vi.fn();
  const notHeavy = vi.fn();
  const bytes = await photo();
  await decoding.decode({ bytes }, onLate, notHeavy);
  const decoded = decoding.decode({ bytes }, onLate, notHeavy);
  await setImmediate();
  standStill(2000);
  await decoded;
  expect(onLate).not.toHaveBeenCalled();
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
