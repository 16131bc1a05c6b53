import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createDrawer } from '../../api/thumbnails/drawer.ts';
import { openThumbnails, type Thumbnails } from '../../api/thumbnails/thumbnails.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import { folderSource } from '../../core/sources/folder/folder-source.ts';
import { drawPicture } from '../support/pictures.ts';
import { standStill } from '../support/stand-still.ts';
import { ENDLESS_SVG } from '../support/worst-files.ts';

const medium = imagesMedium();
const source = folderSource();
let dir: string;
let thumbnails: Thumbnails;
let asked = 0;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'plimsoll-drawn-'));
});
afterAll(() => rm(dir, { recursive: true }));
beforeEach(() => {
  thumbnails = openThumbnails({ folder: join(dir, 'kept'), bytes: 1_000_000, turnMs: 1500 });
});
afterEach(() => thumbnails.close());

async function requestOf(name: string, content: string | Buffer) {
  const path = join(dir, name);
  await writeFile(path, content);
  const version = String(asked++).padStart(16, 'v');
  const fingerprint = (await source.stat({ path }))?.fingerprint ?? '';
  return { medium, open: () => source.open({ path }), fingerprint, version, size: 128 };
}

const get = (request: Awaited<ReturnType<typeof requestOf>>) => thumbnails.get(request, new AbortController().signal);

test('drawings without end take none of the threads that read files, and hold up nobody for good', async () => {
  const endless = await Promise.all([0, 1, 2, 3].map((n) => requestOf(`endless-${n}.svg`, ENDLESS_SVG)));
  const drawn = Promise.allSettled(endless.map(get));
  await expect.poll(() => thumbnails.decoderPids().length).toBeGreaterThan(0);
  // Four threads read files, as many as there are drawings.
  expect(await readFile(join(dir, 'endless-0.svg'), 'utf8')).toBe(ENDLESS_SVG);
  const photo = get(await requestOf('photo.jpg', await drawPicture(1)));
  expect((await photo).picture.length).toBeGreaterThan(0);
  const outcomes = await drawn;
  expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code)).toEqual(
    endless.map(() => 'decode_timeout'),
  );
});

test('what took too long is not tried again, in any size, until its file changes', async () => {
  const request = await requestOf('again.svg', ENDLESS_SVG);
  await expect(get(request)).rejects.toMatchObject({ code: 'decode_timeout' });
  // Another try would find no file.
  await rm(join(dir, 'again.svg'));
  await expect(get({ ...request, size: 512 })).rejects.toMatchObject({ code: 'decode_timeout' });
  const mended = await requestOf('again.svg', await drawPicture(2));
  expect((await get(mended)).current).toBe(true);
});

test('a file that opens while the server stands still is not late', async () => {
  const request = await requestOf('opened.jpg', await drawPicture(4));
  const open = async () => {
    await (await request.open()).close();
    throw new Error('it is open');
  };
  const drawer = createDrawer({ atOnce: 1, turnMs: 500 });
  await setImmediate();
  const drawn = drawer.draw({ ...request, open });
  standStill(2000);
  await expect(drawn).rejects.toThrow('it is open');
});

test('a decoder that crashes costs one picture, and the next has another', async () => {
  const request = await requestOf('crashing.svg', ENDLESS_SVG);
  const crashing = expect(get(request)).rejects.toMatchObject({ code: 'decode_failed' });
  await expect.poll(() => thumbnails.decoderPids().length).toBe(1);
  const [pid] = thumbnails.decoderPids() as [number];
  await expect.poll(() => userTicksOf(pid)).toBeGreaterThan(50);
  process.kill(pid, 'SIGKILL');
  await crashing;
  await expect(get(request)).rejects.toMatchObject({ code: 'decode_failed' });
  expect((await get(await requestOf('next.jpg', await drawPicture(3)))).current).toBe(true);
});

/** Returns a process's CPU time in ticks, 100 a second. A process that draws has used some. */
const userTicksOf = (pid: number) => Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[11]);
