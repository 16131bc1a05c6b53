import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
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

it('removes what was not used for two weeks: indexes, and remains of builds and fetches', async () => {
  await indexUsed('old', 15);
  await indexUsed('building-1234', 20);
  await indexUsed('fetch.1234', 15);
  await indexUsed('young', 13);
  await indexUsed('building-5678', 1);
  await sweepIndexes(cache);
  expect(await left()).toEqual(['building-5678', 'young']);
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
