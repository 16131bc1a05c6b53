import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { EmbedItem } from '../../core/embedding/embedder.ts';
import { DEFAULT_DECODE_LIMITS } from '../../core/media/images/decode-limits.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import type { Medium } from '../../core/media/medium.ts';
import { settingsFromEnvironment } from '../../inference/settings.ts';
import { codeOf, expectVectors, isAlive, onlyPid, withEmbedder } from './embedders.ts';
import {
  ABORTS,
  BLOCKS,
  BLOCKS_ONCE,
  HEAVY,
  HEAVY_FOR_LONG,
  type MarkedOptions,
  readNotes,
  SHORT,
} from './marked-decoding.ts';
import {
  echoGraph,
  RAW_4X4,
  slowGraph,
  temporaryFolder,
  unit,
  writeModel,
  writePixels,
  writePng,
} from './tiny-models.ts';

const IMAGES = 80;
const PROCESSES = 3;
const SEVERAL = { threads: PROCESSES, decoders: PROCESSES };

let folder: string;
let model: string;
let slowModel: string;
let images: EmbedItem[];
let expected: Float32Array[];
/** The worker's log. */
let log: string;
let tests = 0;
/** The file of notes of this test. */
let notes: string;
let medium: Medium;

beforeAll(async () => {
  folder = await temporaryFolder();
  model = await writeModel(join(folder, 'echo'), echoGraph('uint8', ['batch', 4, 4, 3]), RAW_4X4);
  slowModel = await writeModel(join(folder, 'slow'), slowGraph(6), RAW_4X4);
  const paths = Array.from({ length: IMAGES }, (_, n) => join(folder, `${n}.png`));
  const pixels = await Promise.all(paths.map(writePng));
  images = paths.map((path) => ({ path }));
  expected = pixels.map(unit);
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  log = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    log += text;
    return true;
  });
  tests += 1;
  notes = join(folder, `notes-${tests}`);
  const options: MarkedOptions = { limits: DEFAULT_DECODE_LIMITS, notes };
  const module = new URL('./marked-decoding.ts', import.meta.url).href;
  medium = { ...imagesMedium(), preparation: { module, options } };
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** A picture of one value, so that `marked-decoding.ts` does as that says. */
async function pictureOf(value: number): Promise<EmbedItem> {
  const path = join(folder, `all-${value}.png`);
  await writePixels(path, new Uint8Array(48).fill(value));
  return { path };
}

const replacements = () => log.match(/The decoder process \d+ .* is replaced/g)?.length ?? 0;

test('images are decoded by all processes, each as many at once as it has threads', () =>
  withEmbedder(SEVERAL, async (embedder) => {
    expectVectors(await embedder.embed(model, medium, images), expected);
    const decoded = readNotes(notes);
    expect(decoded).toHaveLength(IMAGES);
    const byProcess = Map.groupBy(decoded, ({ pid }) => pid);
    expect([...byProcess.keys()].sort()).toEqual(embedder.decoderPids().sort());
    expect(byProcess.size).toBe(PROCESSES);
    expect(byProcess.has(onlyPid(embedder))).toBe(false);
    expect(byProcess.has(process.pid)).toBe(false);
    // A process has up to 4 orders for its one thread, which stand in line for it.
    expect(Math.max(...decoded.map(({ atOnce }) => atOnce))).toBeLessThanOrEqual(4);
  }));

test('a few images start no more processes than they need', () =>
  withEmbedder(SEVERAL, async (embedder) => {
    await embedder.open(model, medium);
    expect(embedder.decoderPids()).toEqual([]);
    await embedder.embed(model, medium, images.slice(0, 1));
    expect(embedder.decoderPids()).toHaveLength(1);
  }));

test('by default there is a process for each thread', () => {
  expect(settingsFromEnvironment({ PLIMSOLL_THREADS: '6' })).toMatchObject({ threads: 6, decoders: 6 });
  expect(settingsFromEnvironment({ PLIMSOLL_THREADS: '6', PLIMSOLL_DECODERS: '2' })).toMatchObject({ decoders: 2 });
});

test('two processes share five threads', () =>
  withEmbedder({ threads: 5, decoders: 2 }, async (embedder) => {
    expectVectors(await embedder.embed(model, medium, images), expected);
    const threads = embedder.decoderPids().map((pid) => Number(environmentOf(pid).UV_THREADPOOL_SIZE));
    // Two more are for files.
    expect(threads.sort()).toEqual([2 + 2, 3 + 2]);
  }));

test('decoders get no secrets, since they read files of strangers', () =>
  withEmbedder(SEVERAL, async (embedder) => {
    vi.stubEnv('MONGODB_URI', 'mongodb://user:secret@db');
    await embedder.embed(model, medium, images.slice(0, 1));
    vi.unstubAllEnvs();
    const [pid] = embedder.decoderPids() as [number];
    expect(environmentOf(pid)).toHaveProperty('PATH');
    expect(environmentOf(pid)).not.toHaveProperty('MONGODB_URI');
  }));

test('a process that is killed costs no vector, and the others go on', () =>
  withEmbedder(SEVERAL, async (embedder) => {
    await embedder.embed(model, medium, images.slice(0, 16));
    const before = embedder.decoderPids();
    expect(before).toHaveLength(PROCESSES);
    let signs = 0;
    const onSignOfLife = () => {
      signs += 1;
      if (signs === 2) process.kill(before[0] as number, 'SIGKILL');
    };
    expectVectors(await embedder.embed(slowModel, medium, images, { onSignOfLife }), expected);
    expectVectors(await embedder.embed(model, medium, images), expected);
    const after = embedder.decoderPids();
    for (const pid of before.slice(1)) expect(after).toContain(pid);
    expect(after).not.toContain(before[0]);
  }));

test('an image that ends its process fails alone, and no other process ends', () =>
  withEmbedder(SEVERAL, async (embedder) => {
    const mixed = [...images.slice(0, 20), await pictureOf(ABORTS), ...images.slice(20)];
    const outcomes = await embedder.embed(model, medium, mixed);
    expect(outcomes.map(codeOf)).toEqual(mixed.map((_, n) => (n === 20 ? 'decode_failed' : 'vector')));
    expect(outcomes[20]).toMatchObject({ error: { message: expect.stringMatching(/died of this image.*SIGABRT/) } });
    expectVectors(
      outcomes.filter((_, n) => n !== 20),
      expected,
    );
    // Once with others, and twice alone. The encoder lives.
    expect(replacements()).toBe(3);
    expect(log).not.toContain('encoder process');
  }));

test.each([0, 1, 2, 3])(
  'a batch that is not full waits for no image that ended its process: %i beside full ones',
  (rest) =>
    withEmbedder({ threads: 2, decoders: 2 }, async (embedder) => {
      const good = images.slice(0, 8 + rest);
      const outcomes = await embedder.embed(model, medium, [...good, await pictureOf(ABORTS)]);
      expectVectors(outcomes.slice(0, -1), expected.slice(0, good.length));
      expect(outcomes.map(codeOf).at(-1)).toBe('decode_failed');
    }),
);

test('an image whose processes are killed before they begin is not blamed', () =>
  withEmbedder({ threads: 2, decoders: 2 }, async (embedder) => {
    await embedder.open(model, medium);
    const embedded = embedder.embed(model, medium, images.slice(0, 1));
    const killed: number[] = [];
    const next = () => embedder.decoderPids().find((pid) => !killed.includes(pid));
    // A third death before any was ready would be an error of the call.
    while (killed.length < 2) {
      await expect.poll(next, { interval: 1 }).toBeDefined();
      killed.push(next() as number);
      process.kill(killed.at(-1) as number, 'SIGKILL');
    }
    expectVectors(await embedded, expected.slice(0, 1));
  }));

test('processes that end by image after image are an error of the call', () =>
  withEmbedder({ threads: 2, decoders: 2 }, async (embedder) => {
    const lethal = await pictureOf(ABORTS);
    const embedded = embedder.embed(model, medium, new Array(8).fill(lethal));
    await expect(embedded).rejects.toMatchObject({
      code: 'InferenceUnavailable',
      message: expect.stringMatching(/decoder process of model .* keeps dying.*SIGABRT/),
    });
    // And the next call is served.
    expectVectors(await embedder.embed(model, medium, images.slice(0, 1)), expected.slice(0, 1));
  }));

test('a process whose main thread hangs is replaced, and nobody is blamed the first time', () =>
  withEmbedder({ ...SEVERAL, stallTimeoutMs: 10_000 }, async (embedder) => {
    const mixed = [await pictureOf(BLOCKS_ONCE), ...images];
    const outcomes = await embedder.embed(model, medium, mixed);
    expect(outcomes.map(codeOf)).toEqual(mixed.map(() => 'vector'));
    expect(log).toContain('is replaced: it did not answer for 2 s');
    expect(replacements()).toBe(1);
  }));

test('an image that hangs its process each time fails alone', () =>
  withEmbedder({ ...SEVERAL, stallTimeoutMs: 10_000 }, async (embedder) => {
    const mixed = [...images.slice(0, 10), await pictureOf(BLOCKS), ...images.slice(10)];
    const outcomes = await embedder.embed(model, medium, mixed);
    expect(outcomes.map(codeOf)).toEqual(mixed.map((_, n) => (n === 10 ? 'decode_failed' : 'vector')));
    // Once for nobody, and once or twice for it. A process that nobody needs any more is not replaced.
    expect(replacements()).toBeGreaterThanOrEqual(2);
    expect(replacements()).toBeLessThanOrEqual(4);
  }));

test('a process that stands still is replaced, and nobody is blamed', () =>
  withEmbedder({ ...SEVERAL, silenceTimeoutMs: 2000 }, async (embedder) => {
    await embedder.embed(model, medium, images);
    const [pid] = embedder.decoderPids() as [number];
    process.kill(pid, 'SIGSTOP');
    expectVectors(await embedder.embed(model, medium, images), expected);
    expect(isAlive(pid)).toBe(false);
    expect(log).toContain(`The decoder process ${pid} of model "${model}" is replaced: it stood still for 2 s`);
  }));

test('what is decoded is not decoded again for an encoder that was killed', () =>
  withEmbedder(SEVERAL, async (embedder) => {
    await embedder.open(slowModel, medium);
    let signs = 0;
    const onSignOfLife = () => {
      signs += 1;
      if (signs === 3 || signs === 7) process.kill(onlyPid(embedder), 'SIGKILL');
    };
    expectVectors(await embedder.embed(slowModel, medium, images, { onSignOfLife }), expected);
    expect(log.match(/The encoder process \d+ .* is replaced/g)).toHaveLength(2);
    expect(readNotes(notes)).toHaveLength(IMAGES);
  }));

test('images that exceed the share of memory are decoded one after the other, in all processes together', () =>
  withEmbedder(SEVERAL, async (embedder) => {
    const heavy = await pictureOf(HEAVY);
    const mixed = images.slice(0, 24).flatMap((image, n) => (n % 4 === 0 ? [heavy, image] : [image]));
    const outcomes = await embedder.embed(model, medium, mixed);
    expect(outcomes.map(codeOf)).toEqual(mixed.map(() => 'vector'));
    const turns = readNotes(notes).filter(({ what }) => what !== 'decoded');
    expect(turns.map(({ what }) => what)).toEqual(Array.from({ length: 6 }, () => ['heavy', 'light']).flat());
    expect(new Set(turns.map(({ pid }) => pid)).size).toBeGreaterThan(1);
  }));

test('a process that waits for memory is not taken for one that hangs', () =>
  // A process with work may be silent for 3 s, and each of three images holds all memory for 2 s.
  withEmbedder({ ...SEVERAL, stallTimeoutMs: 15_000 }, async (embedder) => {
    await embedder.embed(model, medium, images);
    const heavy = await pictureOf(HEAVY_FOR_LONG);
    const outcomes = await embedder.embed(model, medium, new Array(PROCESSES).fill(heavy));
    expect(outcomes.map(codeOf)).toEqual(new Array(PROCESSES).fill('vector'));
    expect(log).toBe('');
  }));

test('a process that dies while its image is alone leaves its turn to others', () =>
  withEmbedder({ threads: 2, decoders: 2 }, async (embedder) => {
    const heavy = await pictureOf(HEAVY);
    const embedded = embedder.embed(model, medium, [heavy, heavy, heavy]);
    await expect.poll(() => readNotes(notes).length, { interval: 5 }).toBeGreaterThan(0);
    process.kill(readNotes(notes)[0]?.pid as number, 'SIGKILL');
    expect((await embedded).map(codeOf)).toEqual(['vector', 'vector', 'vector']);
  }));

test('an item of another length fails alone', () =>
  withEmbedder(SEVERAL, async (embedder) => {
    const outcomes = await embedder.embed(model, medium, [images[0] as EmbedItem, await pictureOf(SHORT)]);
    expect(outcomes.map(codeOf)).toEqual(['vector', 'decode_failed']);
  }));

test('a decoder that can not be opened is an error of the call', () =>
  withEmbedder(SEVERAL, async (embedder) => {
    const broken = join(folder, 'broken-decoding.ts');
    const imagesFile = new URL('../../core/media/images/preparation.ts', import.meta.url).href;
    await writeFile(
      broken,
      `import { openPreparation as open } from ${JSON.stringify(imagesFile)};
       export const openPreparation = async (request) => {
         const images = await open(request);
         return { ...images, decoding: { ...images.decoding, module: import.meta.url } };
       };
       export const openDecoder = async () => { throw new Error('no library'); };`,
    );
    const options = DEFAULT_DECODE_LIMITS;
    const medium = { ...imagesMedium(), preparation: { module: new URL(`file://${broken}`).href, options } };
    await expect(embedder.embed(model, medium, images)).rejects.toThrow('no library');
    expect(embedder.decoderPids()).toEqual([]);
  }));

test('values are no files, and a model of images takes none', () =>
  withEmbedder(SEVERAL, async (embedder) => {
    const outcomes = await embedder.embed(model, medium, [{ value: 'words', content: 'c' }, images[0] as EmbedItem]);
    expect(outcomes.map(codeOf)).toEqual(['decode_failed', 'vector']);
  }));

test('items that are abandoned while the encoder starts anew leave their frames to others', () =>
  withEmbedder({ threads: 2, decoders: 2 }, async (embedder) => {
    await embedder.embed(model, medium, images);
    const controller = new AbortController();
    process.kill(onlyPid(embedder), 'SIGKILL');
    // More than there are frames, so that the other call finds none.
    const many = Array.from({ length: 10 }, () => images).flat();
    const abandoned = embedder
      .embed(model, medium, many, { signal: controller.signal })
      .catch((error: unknown) => error);
    const other = embedder.embed(model, medium, images);
    await expect.poll(() => readNotes(notes).length, { interval: 1 }).toBeGreaterThan(IMAGES + 10);
    controller.abort(new Error('enough'));
    expect(await abandoned).toMatchObject({ message: 'enough' });
    expectVectors(await other, expected);
  }));

test('frames come back however often items are abandoned', () =>
  withEmbedder({ threads: 2, decoders: 2 }, async (embedder) => {
    await embedder.open(slowModel, medium);
    // A call leaves items that are decoded, and wait for the slow model. There are 20 frames.
    for (let time = 0; time < 10; time++) {
      const controller = new AbortController();
      const embedded = embedder
        .embed(slowModel, medium, images, { signal: controller.signal })
        .catch(() => 'abandoned');
      const decoded = readNotes(notes).length;
      await expect.poll(() => readNotes(notes).length, { interval: 1 }).toBeGreaterThan(decoded + 8);
      controller.abort();
      expect(await embedded).toBe('abandoned');
    }
    expectVectors(await embedder.embed(slowModel, medium, images.slice(0, 8)), expected.slice(0, 8));
  }));

test('frames come back however often a process ends', () =>
  withEmbedder({ threads: 2, decoders: 2 }, async (embedder) => {
    await embedder.open(model, medium);
    // Each has up to 4 of the 20 frames as it ends.
    let killed = 0;
    const onSignOfLife = () => {
      const pid = embedder.decoderPids().find((each) => readNotes(notes).some((note) => note.pid === each));
      if (killed === 10 || pid === undefined) return;
      killed += 1;
      process.kill(pid, 'SIGKILL');
    };
    expectVectors(await embedder.embed(model, medium, images, { onSignOfLife }), expected);
    expect(killed).toBe(10);
    expectVectors(await embedder.embed(model, medium, images), expected);
  }));

test.each([ABORTS, SHORT])('the processes end for want of work after an image that fails: %i', (mark) =>
  withEmbedder({ ...SEVERAL, idleMs: 50 }, async (embedder) => {
    const outcomes = await embedder.embed(model, medium, [await pictureOf(mark)]);
    expect(outcomes.map(codeOf)).toEqual(['decode_failed']);
    await expect.poll(() => [...embedder.childPids(), ...embedder.decoderPids()]).toEqual([]);
  }),
);

test('closing ends all processes, and leaves no file of frames', async () => {
  const pids: number[] = [];
  await withEmbedder(SEVERAL, async (embedder) => {
    const embedded = embedder.embed(slowModel, medium, images).catch((error: unknown) => error);
    await expect.poll(() => embedder.decoderPids(), { interval: 5 }).toHaveLength(PROCESSES);
    pids.push(...embedder.decoderPids());
    expect(framesOf(process.pid)).toHaveLength(1);
    await embedder.close();
    expect(await embedded).toMatchObject({ message: expect.stringContaining('closed') });
  });
  for (const pid of pids) expect(isAlive(pid)).toBe(false);
  expect(framesOf(process.pid)).toEqual([]);
  for (const directory of ['/dev/shm', process.env.TMPDIR ?? '/tmp'])
    if (existsSync(directory))
      expect(readdirSync(directory).filter((name) => name.startsWith(`plimsoll-frames-${process.pid}-`))).toEqual([]);
});

/** The open files of frames of a process. They have no name any more. */
const framesOf = (pid: number) =>
  readdirSync(`/proc/${pid}/fd`)
    .map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return '';
      }
    })
    .filter((file) => file.includes('plimsoll-frames'));

function environmentOf(pid: number): Record<string, string> {
  const text = readFileSync(`/proc/${pid}/environ`, 'utf8');
  return Object.fromEntries(text.split('\0').map((entry) => entry.split('=', 2) as [string, string]));
}
