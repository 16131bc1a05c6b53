import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { folderSource } from '../../core/sources/folder/folder-source.ts';
import { memorySource } from '../../core/sources/memory/memory-source.ts';
import { createSelection } from '../../core/sources/selection.ts';
import { FileUnavailableError, type Source } from '../../core/sources/source.ts';

/** Files of one kind of source, and what changes them. */
interface Place {
  source: Source;
  root: string;
  write(name: string, content: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Has the root go away with all that is in it, as an unmounted disk does. */
  takeAway(): Promise<void>;
}

let folder: string;
let places = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-folder-source-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function folderPlace(roots?: (root: string) => string[]): Promise<Place> {
  const root = join(folder, `place-${places++}`);
  await mkdir(root);
  return {
    source: folderSource(roots === undefined ? {} : { roots: roots(root) }),
    root,
    async write(name, content) {
      await mkdir(dirname(join(root, name)), { recursive: true });
      await writeFile(join(root, name), content);
    },
    remove: (name) => rm(join(root, name)),
    takeAway: () => rename(root, `${root}-away`),
  };
}

async function memoryPlace(): Promise<Place> {
  const source = memorySource();
  const root = 'memory:/place';
  return {
    source,
    root,
    write: async (name, content) => source.put(`${root}/${name}`, Buffer.from(content)),
    remove: async (name) => source.remove(`${root}/${name}`),
    takeAway: async () => source.setPresent(root, false),
  };
}

describe.each([
  ['a folder', () => folderPlace()],
  ['a folder below the roots', () => folderPlace((root) => [dirname(root)])],
  ['memory', memoryPlace],
])('a source: %s', (_kind, openPlace) => {
  let place: Place;

  beforeEach(async () => {
    place = await openPlace();
  });

  const selection = createSelection((name) => name.endsWith('.jpg'));
  const refOf = (name: string) => ({ path: `${place.root}/${name}` });

  async function listed(after?: string) {
    const steps = await Array.fromAsync(place.source.list(place.root, selection, after));
    return {
      files: steps.flatMap(({ files }) => files),
      names: steps.flatMap(({ files }) => files.map(({ path }) => path.slice(place.root.length + 1))),
      ignored: steps.reduce((sum, { ignored }) => sum + ignored, 0),
      hidden: steps.flatMap(({ unreadable, outside }) => [...unreadable, ...outside]),
    };
  }

  // By UTF-16, the face would stand before the wide letter; by folders, the folder before what continues its name.
  const IN_ORDER = ['b-1.jpg', 'b.jpg', 'b/in.jpg', 'c/d/e.jpg', 'é.jpg', 'ａ.jpg', '😀.jpg'];

  const writeAll = async () => {
    for (const name of IN_ORDER.toReversed()) await place.write(name, name);
    await place.write('b/notes.txt', 'no picture');
  };

  it("lists the files that are accepted in the order of their paths' UTF-8 bytes, and counts the others", async () => {
    await writeAll();
    const { files, names, ignored, hidden } = await listed();
    expect(names).toEqual(IN_ORDER);
    expect(ignored).toBe(1);
    expect(hidden).toEqual([]);
    expect(files.map(({ size }) => size)).toEqual(IN_ORDER.map((name) => Buffer.byteLength(name)));
    for (const { path, size, mtimeNs, fingerprint } of files)
      expect(await place.source.stat({ path })).toEqual({ size, mtimeNs, fingerprint });
  });

  it('lists what is behind a path, whether there is a file of that path or not', async () => {
    await writeAll();
    for (const [i, name] of IN_ORDER.entries())
      expect((await listed(`${place.root}/${name}`)).names).toEqual(IN_ORDER.slice(i + 1));
    expect((await listed(`${place.root}/b/`)).names).toEqual(IN_ORDER.slice(2));
    expect((await listed(`${place.root}/b/zzz`)).names).toEqual(IN_ORDER.slice(3));
    expect((await listed(`${place.root}/c/d`)).names).toEqual(IN_ORDER.slice(3));
    expect((await listed(`${place.root}0`)).names).toEqual([]);
  });

  it('lists nothing of a neighbour whose name begins as its own does', async () => {
    await place.write('photos/a.jpg', '');
    await place.write('photos-2/b.jpg', '');
    const steps = await Array.fromAsync(place.source.list(`${place.root}/photos`, selection));
    expect(steps.flatMap(({ files }) => files.map(({ path }) => path))).toEqual([`${place.root}/photos/a.jpg`]);
  });

  it('has one name for a root, under which alone it owns it and its files', async () => {
    await place.write('a.jpg', '');
    expect(place.source.canonical(`${place.root}/`)).toBe(place.root);
    expect(await place.source.check(`${place.root}/`)).toBe(place.root);
    expect(place.source.owns(place.root)).toBe(true);
    expect(place.source.owns(`${place.root}/a.jpg`)).toBe(true);
    expect(place.source.owns('another:/place')).toBe(false);
    expect(await place.source.allows(refOf('a.jpg'))).toBe(true);
  });

  it('is no folder where a file is, and nowhere where nothing is', async () => {
    await place.write('a.jpg', '');
    await expect(place.source.check(`${place.root}/a.jpg`)).rejects.toMatchObject({ code: 'SourceNotAFolder' });
    await expect(place.source.check(`${place.root}/none`)).rejects.toMatchObject({ code: 'SourceNotFound' });
  });

  it('knows no file that is gone or that was a folder', async () => {
    await place.write('sub/a.jpg', 'here');
    expect(await place.source.stat(refOf('sub/a.jpg'))).toMatchObject({ size: 4 });
    expect(await place.source.stat(refOf('sub'))).toBeUndefined();
    expect(await place.source.stat(refOf('sub/a.jpg/b.jpg'))).toBeUndefined();
    await place.remove('sub/a.jpg');
    expect(await place.source.stat(refOf('sub/a.jpg'))).toBeUndefined();
    const opening = place.source.open(refOf('sub/a.jpg'));
    await expect(opening).rejects.toThrow(FileUnavailableError);
    await expect(opening).rejects.toMatchObject({ code: 'file_not_found' });
  });

  it('reads an open file from any position', async () => {
    await place.write('a.jpg', '0123456789');
    const file = await place.source.open(refOf('a.jpg'));
    const read = async (length: number, position: number) => {
      const buffer = Buffer.alloc(length);
      return buffer.toString('utf8', 0, await file.read(buffer, position));
    };
    expect(file).toMatchObject({ ...(await place.source.stat(refOf('a.jpg'))) });
    expect(await read(3, 0)).toBe('012');
    expect(await read(4, 4)).toBe('4567');
    expect(await read(8, 7)).toBe('789');
    expect(await read(8, 10)).toBe('');
    await file.close();
  });

  it.each([
    ['whole', undefined, '0123456789'],
    ['from the beginning', { start: 0, end: 0 }, '0'],
    ['out of the middle', { start: 2, end: 5 }, '2345'],
    ['to the end', { start: 7, end: 9 }, '789'],
  ])('streams a file: %s', async (_part, range, expected) => {
    await place.write('a.jpg', '0123456789');
    const file = await place.source.open(refOf('a.jpg'));
    expect(await new Response(file.stream(range)).text()).toBe(expected);
  });

  it('streams an empty file', async () => {
    await place.write('a.jpg', '');
    const file = await place.source.open(refOf('a.jpg'));
    expect(file.size).toBe(0);
    expect(await new Response(file.stream()).text()).toBe('');
  });

  it('tells that a file was written to after it was opened', async () => {
    await place.write('a.jpg', 'before');
    const file = await place.source.open(refOf('a.jpg'));
    expect(await file.fingerprintNow()).toBe(file.fingerprint);
    await place.write('a.jpg', 'after it was opened');
    const now = await file.fingerprintNow();
    expect(now).not.toBe(file.fingerprint);
    expect((await place.source.stat(refOf('a.jpg')))?.fingerprint).toBe(now);
    await file.close();
  });

  it('is not there once its root is away: that is said of the root, and not of each file', async () => {
    await writeAll();
    const before = await place.source.identity(place.root);
    expect(await place.source.identity(place.root)).toBe(before);
    await place.takeAway();
    const notFound = { code: 'SourceNotFound' };
    await expect(place.source.check(place.root)).rejects.toMatchObject(notFound);
    await expect(listed()).rejects.toMatchObject(notFound);
    await expect(place.source.identity(place.root)).rejects.toMatchObject(notFound);
  });

  it('does not pass off what it has listed as all, where its root goes away meanwhile', async () => {
    for (let n = 0; n < 600; n += 1) await place.write(`${String(n).padStart(3, '0')}.jpg`, '');
    const steps = place.source.list(place.root, selection);
    expect((await steps.next()).value?.files.length).toBeGreaterThan(0);
    await place.takeAway();
    const rest = Array.fromAsync(steps).then((more) => more.flatMap(({ unreadable }) => unreadable));
    // The listing either fails, or reports the root as unreadable.
    await expect(rest.catch((error: { code: string }) => error.code)).resolves.toSatisfy(
      (end: string[] | string) => end === 'SourceNotFound' || end.includes(place.root),
    );
  });
});

const OPENS = 4000;
const AT_ONCE = 8;

/** Swaps a folder for a link to another one and back, as fast as it can, and counts. */
const SWAPPING = `
  const { renameSync, symlinkSync, unlinkSync } = require('node:fs');
  const { parentPort, workerData: { sub, kept, target, counter } } = require('node:worker_threads');
  const swaps = new Int32Array(counter);
  for (;;) {
    renameSync(sub, kept);
    symlinkSync(target, sub);
    unlinkSync(sub);
    renameSync(kept, sub);
    if (Atomics.add(swaps, 0, 1) === 0) parentPort.postMessage('began');
  }
`;

it('never opens what is outside of the roots, whenever a folder of the path becomes a link', async () => {
  const root = join(folder, 'swapped');
  for (const [path, content] of [
    [join(root, 'sub/a.jpg'), 'inside'],
    [join(folder, 'swapped-outside/a.jpg'), 'outside'],
  ] as const) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
  const source = folderSource({ roots: [root] });
  const counter = new SharedArrayBuffer(4);
  const worker = new Worker(SWAPPING, {
    eval: true,
    workerData: { sub: join(root, 'sub'), kept: join(root, 'kept'), target: '../swapped-outside', counter },
  });
  const died = once(worker, 'error').then(([error]) => Promise.reject(error));
  died.catch(() => undefined);
  await Promise.race([once(worker, 'message'), died]);

  const outcomes: Record<string, number> = {};
  const note = (outcome: string) => {
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  };
  const openOne = async () => {
    try {
      const file = await source.open({ path: join(root, 'sub/a.jpg') });
      note(await new Response(file.stream()).text());
    } catch (error) {
      if (!(error instanceof FileUnavailableError)) throw error;
      note(error.code);
    }
  };
  let left = OPENS;
  const openMany = async () => {
    // A busy machine may run either thread alone for a while. Both states of the folder must be met.
    while (left-- > 0 || !((outcomes.inside ?? 0) > 0 && (outcomes.outside_roots ?? 0) > 0)) await openOne();
  };
  await Promise.race([Promise.all(Array.from({ length: AT_ONCE }, openMany)), died]);
  await worker.terminate();

  const { inside = 0, outside_roots: refused = 0, file_not_found: gone = 0, ...others } = outcomes;
  expect(others).toEqual({});
  expect(inside + refused + gone).toBeGreaterThanOrEqual(OPENS);
});
