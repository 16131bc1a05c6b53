import { createHash } from 'node:crypto';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { areUnchanged, revisionOf } from '../../core/models/revision.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest();

let folder: string;
let [a, b]: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-revision-'));
  [a, b] = [join(folder, 'a'), join(folder, 'b')];
});
afterAll(() => rm(folder, { recursive: true }));

const write = async (texts: { a: string; b: string }) => {
  await Promise.all([writeFile(a as string, texts.a), writeFile(b as string, texts.b)]);
  return revisionOf([a as string, b as string]);
};

it('is the beginning of the hash over the hashes, in the order of the files', async () => {
  const { revision, files } = await write({ a: 'graph', b: 'weights' });
  const hex = [sha256('graph').toString('hex'), sha256('weights').toString('hex')];
  expect(revision).toBe(createHash('sha256').update(hex.join('')).digest('hex').slice(0, 12));
  expect(files).toMatchObject([
    { path: a, sizeBytes: 5, sha256: hex[0] },
    { path: b, sizeBytes: 7, sha256: hex[1] },
  ]);
  expect((await revisionOf([b as string, a as string])).revision).not.toBe(revision);
});

it('trusts the hash of a file with the same path, size and time, and of no other', async () => {
  const { files } = await write({ a: 'graph', b: 'weights' });
  const [knownA, knownB] = files.map((file, i) => ({ ...file, sha256: `${i}` }));
  if (!knownA || !knownB) throw new Error('two files were hashed');
  const hashes = async (known: typeof files) =>
    (await revisionOf([a as string, b as string], known)).files.map((file) => file.sha256);
  const [hashA, hashB] = files.map((file) => file.sha256);

  expect(await hashes([knownB, knownA])).toEqual(['0', '1']);
  expect(await hashes([{ ...knownA, path: 'c' }, knownB])).toEqual([hashA, '1']);
  expect(await hashes([knownA, { ...knownB, sizeBytes: 8 }])).toEqual(['0', hashB]);
  expect(await hashes([knownA, { ...knownB, mtimeNs: knownB.mtimeNs + 1n }])).toEqual(['0', hashB]);
});

it('is unchanged as long as all files have the same size and time', async () => {
  const { files } = await write({ a: 'graph', b: 'weights' });
  const [first, second] = files;
  if (!first || !second) throw new Error('two files were hashed');
  expect(await areUnchanged(files)).toBe(true);
  expect(await areUnchanged([first, { ...second, sizeBytes: 8 }])).toBe(false);
  expect(await areUnchanged([{ ...first, sizeBytes: 8 }, second])).toBe(false);
  await utimes(b as string, 1, 1);
  expect(await areUnchanged(files)).toBe(false);
  await rm(b as string);
  expect(await areUnchanged(files)).toBe(false);
  expect(await areUnchanged([first])).toBe(true);
});
