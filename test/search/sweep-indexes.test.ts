import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { claimFolder } from '../../core/search/claim-folder.ts';
import { markUsed, sweepIndexes } from '../../core/search/sweep-indexes.ts';

const DAY_MS = 24 * 3600 * 1000;
let cache: string;

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'plimsoll-sweep-'));
});
afterEach(() => rm(cache, { recursive: true, force: true }));

async function indexUsed(name: string, daysAgo: number): Promise<string> {
  const folder = join(cache, 'indexes', name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'rows'), 'rows');
  const at = new Date(Date.now() - daysAgo * DAY_MS);
  await utimes(folder, at, at);
  return folder;
}

const left = async () => (await readdir(join(cache, 'indexes'))).sort();

it('removes indexes that were not used for two weeks, and builds that nobody went on with', async () => {
  await indexUsed('old', 15);
  await indexUsed('building-1234', 15);
  await indexUsed('young', 13);
  await indexUsed('building-5678', 13);
  await sweepIndexes(cache);
  expect(await left()).toEqual(['building-5678', 'young']);
});

it('removes what a broken-off fetch or move has left, after a day', async () => {
  await indexUsed('fetch.1234', 2);
  await indexUsed('move.built', 2);
  await indexUsed('fetch.5678', 0.5);
  await sweepIndexes(cache);
  expect(await left()).toEqual(['fetch.5678']);
});

it('keeps the folder of a build until its process gives it back', async () => {
  const claimed = await claimFolder(await indexUsed('building-1234', 15));
  await indexUsed('building-1234', 15);
  await sweepIndexes(cache);
  expect(await left()).toEqual(['building-1234']);
  claimed.release();
  await sweepIndexes(cache);
  expect(await left()).toEqual([]);
});

it('keeps an index that was marked as used', async () => {
  await markUsed(await indexUsed('used', 15));
  await sweepIndexes(cache);
  expect(await left()).toEqual(['used']);
});

it('finds nothing to do without a cache', async () => {
  await sweepIndexes(join(cache, 'none'));
  await markUsed(join(cache, 'none'));
});
