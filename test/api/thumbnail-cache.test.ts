import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDiskCache } from '../../api/thumbnails/disk-cache.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-cache-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const keyOf = (letter: string, size = 128) => `${letter.repeat(16)}-${size}`;
const KEPT = Buffer.alloc(100);
const OLD = new Date(Date.now() - 86_400_000);

async function put(path: string, content: string | Buffer = 'precious', usedAt = OLD): Promise<string> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  await utimes(file, usedAt, usedAt);
  return file;
}

const exists = (file: string) =>
  stat(file).then(
    () => true,
    () => false,
  );

test("a folder that holds other things keeps them: a person's dotfiles, notes and what lies deeper", async () => {
  const others = await Promise.all(
    [
      '.bashrc',
      '.git/HEAD',
      '.config/.hidden',
      'notes.txt',
      '.11111111-1111-1111-1111-111111111111',
      `aa/${keyOf('a')}`,
      'v1/.bashrc',
      'v1/aa/.hidden',
      'v1/aa/notes.txt',
      `v1/aa/deeper/${keyOf('a')}`,
      `v1/bb/${keyOf('a')}`,
    ].map((path) => put(path)),
  );
  const draft = await put('v1/.22222222-2222-2222-2222-222222222222');
  const cache = openDiskCache({ parent: folder, mostBytes: 150 });
  await cache.keep(keyOf('c'), KEPT);
  await cache.keep(keyOf('d'), KEPT);
  await expect.poll(() => exists(draft)).toBe(false);
  await expect.poll(() => cache.bytes).toBe(100);
  expect(await Promise.all(others.map(exists))).toEqual(others.map(() => true));
  expect(await readdir(join(folder, 'v1', 'dd'))).toEqual([keyOf('d')]);
});

test("a young draft stays: another process's may be at work", async () => {
  const young = await put('v1/.33333333-3333-3333-3333-333333333333', KEPT, new Date());
  const old = await put('v1/.44444444-4444-4444-4444-444444444444', KEPT);
  openDiskCache({ parent: folder, mostBytes: 150 });
  await expect.poll(() => exists(old)).toBe(false);
  expect(await exists(young)).toBe(true);
});

test('what was kept before is found, and counts', async () => {
  await put(`v1/aa/${keyOf('a', 512)}`, KEPT);
  const cache = openDiskCache({ parent: folder, mostBytes: 1000 });
  await expect.poll(() => cache.bytes).toBe(100);
  expect(await cache.read(keyOf('a', 512))).toHaveLength(100);
});

test('a bound that was lowered holds from the start, the least recently used going first', async () => {
  const [first, second, third] = [
    await put(`v1/aa/${keyOf('a')}`, KEPT, new Date(1_000_000)),
    await put(`v1/bb/${keyOf('b')}`, KEPT, new Date(3_000_000)),
    await put(`v1/cc/${keyOf('c')}`, KEPT, new Date(2_000_000)),
  ];
  openDiskCache({ parent: folder, mostBytes: 100 });
  await expect.poll(() => Promise.all([first, third].map(exists))).toEqual([false, false]);
  expect(await exists(second)).toBe(true);
});

test('the bound is that of the folder, however many processes keep thumbnails in it', async () => {
  const caches = [0, 1, 2].map(() => openDiskCache({ parent: folder, mostBytes: 2000 }));
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  for (const [n, letter] of letters.entries())
    for (const size of [128, 256, 512, 1024]) await caches[n % 3]?.keep(keyOf(letter, size), KEPT);
  const kept = (await readdir(join(folder, 'v1'), { recursive: true })).filter((name) => /-\d+$/.test(name));
  // Each process may be a tenth of the bound ahead of what the others know.
  expect(kept.length * KEPT.length).toBeLessThanOrEqual(2000 + 3 * 200);
  expect(kept).toContain(join('zz', keyOf('z', 1024)));
});
