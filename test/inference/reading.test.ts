import { createHash } from 'node:crypto';
import { copyFile, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EmbedItem, EmbedOptions, EmbedOutcome } from '../../core/embedding/embedder.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import { createEmbedder, type InferenceEmbedder } from '../../inference/embedder.ts';
import { isAlive, onlyPid, onlyPidOf, withEmbedder } from './embedders.ts';
import {
  echoGraph,
  lethalGraph,
  RAW_4X4,
  temporaryFolder,
  unit,
  writeModel,
  writePixels,
  writePng,
} from './tiny-models.ts';

const medium = imagesMedium();
const FILES = 10;
const TWO_THREADS = { threads: 2, decoders: 1 };
const MIB = 1024 * 1024;

let folder: string;
let model: string;
let paths: string[];
let vectors: Float32Array[];
let contents: string[];

beforeAll(async () => {
  folder = await temporaryFolder();
  model = await writeModel(join(folder, 'echo'), echoGraph('uint8', ['batch', 4, 4, 3]), RAW_4X4);
  paths = Array.from({ length: FILES }, (_, n) => join(folder, `${n}.png`));
  vectors = (await Promise.all(paths.map(writePng))).map(unit);
  contents = await Promise.all(paths.map(sha256sum));
});

afterAll(() => rm(folder, { recursive: true }));

/** Hashes the whole file, independently of the code under test. */
async function sha256sum(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

const itemsOf = (files: readonly string[]): EmbedItem[] => files.map((path) => ({ path }));
const nothingKnown = async () => new Set<string>();

/** Expects the content and the vector of file `n`. */
function expectVector(outcome: EmbedOutcome | undefined, n: number): void {
  if (outcome === undefined || !('vector' in outcome)) throw new Error(`no vector: ${JSON.stringify(outcome)}`);
  expect(outcome.content).toBe(contents[n]);
  const wanted = vectors[n] as Float32Array;
  expect(Math.max(...outcome.vector.map((value, i) => Math.abs(value - (wanted[i] as number))))).toBeLessThan(1e-6);
}

/** A call whose `findKnown` waits until `answer` is settled. */
function callThatWaits(embedder: InferenceEmbedder, items: readonly EmbedItem[], options: EmbedOptions = {}) {
  const asked = Promise.withResolvers<readonly string[]>();
  const answer = Promise.withResolvers<ReadonlySet<string>>();
  const findKnown = (hashes: readonly string[]) => {
    asked.resolve(hashes);
    return answer.promise;
  };
  const outcomes = embedder.embed(model, medium, items, { findKnown, ...options });
  // The call may fail long before a test awaits it.
  outcomes.catch(() => {});
  return { asked: asked.promise, answer, outcomes };
}

test('each outcome has the hash of its file, asked for or not', () =>
  withEmbedder(TWO_THREADS, async (embedder) => {
    for (const options of [{}, { findKnown: nothingKnown }]) {
      const outcomes = await embedder.embed(model, medium, itemsOf(paths), options);
      expect(outcomes).toHaveLength(FILES);
      for (const [n, outcome] of outcomes.entries()) expectVector(outcome, n);
    }
  }));

test('the hashes are asked about in one go, before the device does anything', () =>
  withEmbedder(TWO_THREADS, async (embedder) => {
    await embedder.open(model, medium);
    let signs = 0;
    const call = callThatWaits(embedder, itemsOf(paths), {
      onSignOfLife() {
        signs += 1;
      },
    });
    expect(await call.asked).toEqual(contents);
    // The files are read. Until the answer there is nothing to do, so no further sign may come.
    const read = signs;
    await sleep(200);
    expect(signs).toBe(read);
    call.answer.resolve(new Set());
    for (const [n, outcome] of (await call.outcomes).entries()) expectVector(outcome, n);
    expect(signs).toBe(read + Math.ceil(FILES / 4));
  }));

test('what is known comes back as known, and the rest in its places', () =>
  withEmbedder(TWO_THREADS, async (embedder) => {
    const isKnown = (n: number) => n % 3 === 0;
    const known = new Set([...contents.filter((_, n) => isKnown(n)), 'f'.repeat(64)]);
    let signs = 0;
    const outcomes = await embedder.embed(model, medium, itemsOf(paths), {
      async findKnown() {
        // Only signs after the reading count batches.
        signs = 0;
        return known;
      },
      onSignOfLife() {
        signs += 1;
      },
    });
    for (const [n, outcome] of outcomes.entries()) {
      if (isKnown(n)) expect(outcome).toEqual({ known: true, content: contents[n] });
      else expectVector(outcome, n);
    }
    // Ten files, four of them known: the six others fill two batches.
    expect(signs).toBe(2);
  }));

test('the same content twice is asked about twice, and known twice', () =>
  withEmbedder(TWO_THREADS, async (embedder) => {
    const copy = join(folder, 'copy.png');
    await copyFile(paths[0] as string, copy);
    const asked: string[][] = [];
    const outcomes = await embedder.embed(model, medium, itemsOf([paths[0] as string, paths[1] as string, copy]), {
      async findKnown(hashes) {
        asked.push([...hashes]);
        return new Set([contents[0] as string]);
      },
    });
    expect(asked).toEqual([[contents[0], contents[1], contents[0]]]);
    expect(outcomes[0]).toEqual({ known: true, content: contents[0] });
    expectVector(outcomes[1], 1);
    expect(outcomes[2]).toEqual({ known: true, content: contents[0] });
  }));

test.runIf(process.arch === 'x64')('the graph does not run for what is known: it would have killed its process', () =>
  withEmbedder(TWO_THREADS, async (embedder) => {
    const lethal = await writeModel(join(folder, 'lethal'), lethalGraph(), RAW_4X4);
    const black = join(folder, 'black.png');
    await writePixels(black, new Uint8Array(48));
    await embedder.open(lethal, medium);
    const pid = onlyPid(embedder);
    const content = await sha256sum(black);
    const items = itemsOf([black, paths[0] as string, black]);
    const outcomes = await embedder.embed(lethal, medium, items, { findKnown: async () => new Set([content]) });
    expect(outcomes).toEqual([
      { known: true, content },
      { vector: expect.any(Float32Array), content: contents[0] },
      { known: true, content },
    ]);
    expect(onlyPid(embedder)).toBe(pid);
    // The graph does kill its process when the content is not known.
    expect(await embedder.embed(lethal, medium, itemsOf([black]), { findKnown: nothingKnown })).toMatchObject([
      { error: { code: 'inference_crashed' } },
    ]);
    expect(embedder.childPids()).not.toContain(pid);
  }),
);

test('files that can not be read are outcomes, and are not asked about', () =>
  withEmbedder(TWO_THREADS, async (embedder) => {
    const asked: string[][] = [];
    const findKnown = async (hashes: readonly string[]) => {
      asked.push([...hashes]);
      return new Set([contents[1] as string]);
    };
    const gone = { path: join(folder, 'gone.png') };
    const items = [{ path: paths[0] as string }, gone, { path: paths[1] as string }, { path: folder }];
    const outcomes = await embedder.embed(model, medium, items, { findKnown });
    expectVector(outcomes[0], 0);
    expect(outcomes.slice(1)).toEqual([
      { error: { code: 'file_not_found', message: expect.any(String) } },
      { known: true, content: contents[1] },
      { error: { code: 'not_a_file', message: expect.any(String) } },
    ]);
    expect(asked).toEqual([[contents[0], contents[1]]]);

    // A call without readable files does not ask.
    expect(await embedder.embed(model, medium, [gone, gone], { findKnown })).toMatchObject([
      { error: { code: 'file_not_found' } },
      { error: { code: 'file_not_found' } },
    ]);
    expect(asked).toHaveLength(1);
  }));

test('a file that can be read and not decoded is asked about; it is an error where it is not known', () =>
  withEmbedder(TWO_THREADS, async (embedder) => {
    const text = join(folder, 'text.png');
    await writeFile(text, 'no picture');
    const content = await sha256sum(text);
    const asked: string[][] = [];
    const embed = (known: string[]) =>
      embedder.embed(model, medium, itemsOf([text]), {
        async findKnown(hashes) {
          asked.push([...hashes]);
          return new Set(known);
        },
      });
    expect(await embed([])).toMatchObject([{ error: { code: 'unsupported_format' } }]);
    expect(await embed([content])).toEqual([{ known: true, content }]);
    expect(asked).toEqual([[content], [content]]);
  }));

test('bytes have the same hashes and vectors as files, and can be known', () =>
  withEmbedder(TWO_THREADS, async (embedder) => {
    const bytes = await Promise.all(paths.map((path) => readFile(path)));
    const items: EmbedItem[] = bytes.map((content) => ({ bytes: new Uint8Array(content) }));
    const asked: string[][] = [];
    const all = await embedder.embed(model, medium, items, {
      async findKnown(hashes) {
        asked.push([...hashes]);
        return new Set();
      },
    });
    expect(asked).toEqual([contents]);
    expect(all).toEqual(await embedder.embed(model, medium, itemsOf(paths)));
    expect(await embedder.embed(model, medium, items)).toEqual(all);

    const mixed = [items[0], { path: paths[1] }, items[2], { path: paths[3] }] as EmbedItem[];
    const known = new Set([contents[2] as string, contents[3] as string]);
    expect(await embedder.embed(model, medium, mixed, { findKnown: async () => known })).toEqual([
      all[0],
      all[1],
      { known: true, content: contents[2] },
      { known: true, content: contents[3] },
    ]);
  }));

test('a vector is of the content that its hash is of, also where the file is replaced meanwhile', () =>
  withEmbedder(TWO_THREADS, async (embedder) => {
    const path = join(folder, 'replaced.png');
    await copyFile(paths[0] as string, path);
    const kept = callThatWaits(embedder, itemsOf([path]));
    expect(await kept.asked).toEqual([contents[0]]);
    await copyFile(paths[1] as string, path);
    kept.answer.resolve(new Set());
    expectVector((await kept.outcomes)[0], 0);

    // A process that has not read the file reads its current content.
    const lost = callThatWaits(embedder, itemsOf([path]));
    expect(await lost.asked).toEqual([contents[1]]);
    await copyFile(paths[2] as string, path);
    for (const pid of embedder.decoderPids()) process.kill(pid, 'SIGKILL');
    await expect.poll(() => embedder.decoderPids()).toEqual([]);
    lost.answer.resolve(new Set());
    expectVector((await lost.outcomes)[0], 2);
  }));

test.each(['encoder', 'decoder'] as const)('a killed %s between reading and encoding costs nothing', (kind) =>
  withEmbedder(TWO_THREADS, async (embedder) => {
    const calls = [itemsOf(paths.slice(0, 5)), itemsOf(paths.slice(5))].map((items) => callThatWaits(embedder, items));
    expect((await Promise.all(calls.map(({ asked }) => asked))).flat()).toEqual(contents);
    const pid = onlyPidOf(kind, embedder);
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => isAlive(pid)).toBe(false);
    for (const { answer } of calls) answer.resolve(new Set([contents[4] as string]));
    const outcomes = (await Promise.all(calls.map(({ outcomes }) => outcomes))).flat();
    for (const [n, outcome] of outcomes.entries()) {
      if (n === 4) expect(outcome).toEqual({ known: true, content: contents[4] });
      else expectVector(outcome, n);
    }
    expect(onlyPidOf(kind, embedder)).not.toBe(pid);
  }),
);

test('a process that is killed while it reads costs nothing, and the hashes are asked about once', () =>
  withEmbedder(TWO_THREADS, async (embedder) => {
    await embedder.embed(model, medium, itemsOf(paths.slice(0, 1)));
    const pid = onlyPidOf('decoder', embedder);
    // The process gets the order, but does not follow it.
    process.kill(pid, 'SIGSTOP');
    const asked: string[][] = [];
    const embedded = embedder.embed(model, medium, itemsOf(paths), {
      async findKnown(hashes) {
        asked.push([...hashes]);
        return new Set();
      },
    });
    await sleep(100);
    process.kill(pid, 'SIGKILL');
    for (const [n, outcome] of (await embedded).entries()) expectVector(outcome, n);
    expect(asked).toEqual([contents]);
  }));

test('a process may end for want of work while a call waits', () =>
  withEmbedder({ ...TWO_THREADS, idleMs: 50 }, async (embedder) => {
    const call = callThatWaits(embedder, itemsOf(paths));
    await call.asked;
    await expect.poll(() => embedder.childPids()).toEqual([]);
    call.answer.resolve(new Set());
    for (const [n, outcome] of (await call.outcomes).entries()) expectVector(outcome, n);
  }));

test('a call that is aborted while it waits ends with the reason, and later calls work', () =>
  withEmbedder(TWO_THREADS, async (embedder) => {
    const controller = new AbortController();
    const call = callThatWaits(embedder, itemsOf(paths), { signal: controller.signal });
    const other = callThatWaits(embedder, itemsOf(paths));
    await Promise.all([call.asked, other.asked]);
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(call.outcomes).rejects.toBe(reason);
    other.answer.resolve(new Set());
    for (const [n, outcome] of (await other.outcomes).entries()) expectVector(outcome, n);
    // A later answer has no effect.
    call.answer.resolve(new Set());
    const outcomes = await embedder.embed(model, medium, itemsOf(paths), { findKnown: nothingKnown });
    for (const [n, outcome] of outcomes.entries()) expectVector(outcome, n);
  }));

test('what fails to find out what is known fails the call, and no other', () =>
  withEmbedder(TWO_THREADS, async (embedder) => {
    const call = callThatWaits(embedder, itemsOf(paths));
    const other = callThatWaits(embedder, itemsOf(paths));
    await Promise.all([call.asked, other.asked]);
    const reason = new Error('no database');
    call.answer.reject(reason);
    await expect(call.outcomes).rejects.toBe(reason);
    other.answer.resolve(new Set());
    for (const [n, outcome] of (await other.outcomes).entries()) expectVector(outcome, n);
  }));

test('closing ends calls that wait', async () => {
  const embedder = createEmbedder({ batchSize: 4, threads: 1 });
  const call = callThatWaits(embedder, itemsOf(paths));
  await call.asked;
  const pid = onlyPid(embedder);
  await embedder.close();
  await expect(call.outcomes).rejects.toThrow(/closed/);
  expect(isAlive(pid)).toBe(false);
  call.answer.resolve(new Set());
});

test.each(['known', 'failed', 'aborted while it waits', 'aborted while it is read'])(
  'content that is %s takes no room from what comes after',
  (how) =>
    withEmbedder(TWO_THREADS, async (embedder) => {
      await embedder.open(model, medium);
      // Two files of the largest size that is kept fill all the room.
      const large = ['large-1', 'large-2'].map((name) => join(folder, name));
      for (const path of large) await writeSparse(path, Buffer.from(path), 64 * MIB);
      const controller = new AbortController();
      const call = callThatWaits(embedder, itemsOf(large), { signal: controller.signal });
      if (how === 'aborted while it is read') {
        // A call without files gets its sign of life once the files have been read.
        const heard = Promise.withResolvers<void>();
        const bytes = new Uint8Array(await readFile(paths[0] as string));
        const watcher = callThatWaits(embedder, [{ bytes }], { onSignOfLife: heard.resolve });
        await watcher.asked;
        controller.abort();
        await heard.promise;
        watcher.answer.resolve(new Set([contents[0] as string]));
        await watcher.outcomes;
      } else {
        const hashes = await call.asked;
        if (how === 'known') call.answer.resolve(new Set(hashes));
        else if (how === 'failed') call.answer.reject(new Error('no database'));
        else controller.abort();
      }
      const settled = await call.outcomes.then(
        (outcomes) => outcomes.length,
        () => 'failed',
      );
      expect(settled).toBe(how === 'known' ? 2 : 'failed');

      const path = join(folder, 'later.png');
      await copyFile(paths[0] as string, path);
      const later = callThatWaits(embedder, itemsOf([path]));
      await later.asked;
      await copyFile(paths[1] as string, path);
      later.answer.resolve(new Set());
      // The vector is that of the first content, which was kept.
      expectVector((await later.outcomes)[0], 0);
    }),
);

test('a file too large to be held is hashed in pieces, and embedded from its path', () =>
  withEmbedder(TWO_THREADS, async (embedder) => {
    const path = join(folder, 'large.bmp');
    await writeLargeBitmap(path);
    const content = await sha256sum(path);
    // The last of four rows of four pixels is bright, the others are black.
    const vector = unit([...new Array(36).fill(0), ...new Array(12).fill(200)]);
    const asked: string[][] = [];
    const findKnown = async (hashes: readonly string[]) => {
      asked.push([...hashes]);
      return new Set<string>();
    };
    expect(await embedder.embed(model, medium, itemsOf([path]), { findKnown })).toEqual([{ vector, content }]);
    expect(asked).toEqual([[content]]);
    expect(await embedder.embed(model, medium, itemsOf([path]))).toEqual([{ vector, content }]);
    const known = async () => new Set([content]);
    expect(await embedder.embed(model, medium, itemsOf([path]), { findKnown: known })).toEqual([
      { known: true, content },
    ]);
  }));

/** Writes the start of a file and leaves the rest a hole, which takes no room on disk. */
async function writeSparse(path: string, start: Uint8Array, sizeBytes: number): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.write(start);
    await file.truncate(sizeBytes);
  } finally {
    await file.close();
  }
}

/**
 * Writes a bitmap of more than 64 MiB. Its rows go from the lowest up. The lowest quarter is bright, the rest a hole.
 */
async function writeLargeBitmap(path: string): Promise<void> {
  const side = 4400;
  const header = Buffer.alloc(54);
  header.write('BM');
  header.writeUInt32LE(54, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(side, 18);
  header.writeInt32LE(side, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(32, 28);
  const bright = Buffer.alloc(side * side, 200);
  await writeSparse(path, Buffer.concat([header, bright]), 54 + side * side * 4);
}
