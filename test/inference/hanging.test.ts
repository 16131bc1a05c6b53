import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { EmbedItem, EmbedOutcome } from '../../core/embedding/embedder.ts';
import { DEFAULT_DECODE_LIMITS } from '../../core/media/images/decode-limits.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import type { Medium } from '../../core/media/medium.ts';
import { cpuTicksOf } from '../support/processes.ts';
import { ENDLESS_SVG } from '../support/worst-files.ts';
import { codeOf, expectVectors, isAlive, onlyPid, onlyPidOf, withEmbedder } from './embedders.ts';
import { HANGS, HANGS_ONCE, type HangingOptions, LATE_ONCE } from './hanging-preparation.ts';
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

const medium = imagesMedium();
const IMAGES = 40;
const BATCHES = IMAGES / 4;
/** Longer than a process takes to start where the machine has other work. A run of the model has a fifth of it. */
const STALL_MS = 10_000;
const SILENCE_MS = 2000;

let folder: string;
let model: string;
let slowModel: string;
let images: EmbedItem[];
let expected: Float32Array[];
/** The worker's log. */
let log: string;

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
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** A picture of one value, so `hanging-preparation.ts` blocks as that says. */
async function pictureOf(value: number): Promise<EmbedItem> {
  const path = join(folder, `all-${value}.png`);
  await writePixels(path, new Uint8Array(48).fill(value));
  return { path };
}

function hangingMedium(memory = 'none'): Medium {
  const options: HangingOptions = { limits: DEFAULT_DECODE_LIMITS, memory: join(folder, memory) };
  return { ...medium, preparation: { module: new URL('./hanging-preparation.ts', import.meta.url).href, options } };
}

const hastyMedium = (timeoutSeconds: number) => imagesMedium(process.env, { ...DEFAULT_DECODE_LIMITS, timeoutSeconds });

/** Starts a process with an embedder, which runs `script`. */
async function startWorker(name: string, script: string): Promise<ChildProcess> {
  const file = join(folder, `${name}.mjs`);
  const at = (path: string) => JSON.stringify(new URL(`../../${path}`, import.meta.url).href);
  await writeFile(
    file,
    `import { once } from 'node:events';
     import process from 'node:process';
     import { createEmbedder } from ${at('inference/embedder.ts')};
     import { imagesMedium } from ${at('core/media/images/medium.ts')};
     ${script}`,
  );
  return fork(file, { execArgv: [], serialization: 'advanced' });
}

test('a process that stands still is replaced, and nobody is blamed', () =>
  withEmbedder({ silenceTimeoutMs: SILENCE_MS }, async (embedder) => {
    await embedder.open(slowModel, medium);
    const pid = onlyPid(embedder);
    let signs = 0;
    const onSignOfLife = () => {
      signs += 1;
      if (signs === 2) process.kill(pid, 'SIGSTOP');
    };
    expectVectors(await embedder.embed(slowModel, medium, images, { onSignOfLife }), expected);
    expect(isAlive(pid)).toBe(false);
    expect(log).toContain(`The encoder process ${pid} of model "${slowModel}" is replaced: it stood still for 2 s`);
    // Suspects would be tried one by one. The replacement and its start are signs of life, too.
    expect(signs).toBe(BATCHES + 2);
  }));

test('a process that stands still and goes on is not replaced', () =>
  withEmbedder({}, async (embedder) => {
    await embedder.open(slowModel, medium);
    const pid = onlyPid(embedder);
    let signs = 0;
    const onSignOfLife = () => {
      signs += 1;
      if (signs === 2) process.kill(pid, 'SIGSTOP');
    };
    const embedded = embedder.embed(slowModel, medium, images, { onSignOfLife });
    await expect.poll(() => stateOf(pid)).toBe('T');
    await sleep(SILENCE_MS);
    process.kill(pid, 'SIGCONT');
    expectVectors(await embedded, expected);
    expect(onlyPid(embedder)).toBe(pid);
  }));

test('a worker that stands still for longer than its deadlines does not end its encoder', async () => {
  const worker = await startWorker(
    'frozen',
    `const embedder = createEmbedder({ batchSize: 4, threads: 1, silenceTimeoutMs: ${SILENCE_MS} });
     const medium = imagesMedium();
     await embedder.open(${JSON.stringify(slowModel)}, medium);
     const [before] = embedder.childPids();
     const embedded = embedder.embed(${JSON.stringify(slowModel)}, medium, ${JSON.stringify(images)}, {
       onSignOfLife: () => process.send({ before }),
     });
     const outcomes = await embedded;
     // The count of the silence must be over, too.
     setTimeout(async () => {
       process.send({ before, outcomes, after: embedder.childPids() });
       await embedder.close();
       process.disconnect();
     }, 100);`,
  );
  try {
    const [{ before }] = (await once(worker, 'message')) as [{ before: number }];
    worker.kill('SIGSTOP');
    await sleep(2 * SILENCE_MS);
    worker.kill('SIGCONT');
    const { outcomes, after } = await new Promise<{ outcomes: Parameters<typeof expectVectors>[0]; after: number[] }>(
      (resolve) => worker.on('message', (message) => 'outcomes' in (message as object) && resolve(message as never)),
    );
    expectVectors(outcomes, expected);
    expect(after).toEqual([before]);
  } finally {
    worker.kill('SIGKILL');
  }
});

test('a device that hangs is replaced, and nobody is blamed', () =>
  withEmbedder({ stallTimeoutMs: STALL_MS }, async (embedder) => {
    const hanging = hangingMedium('once');
    await embedder.embed(model, hanging, images.slice(0, 4));
    const pid = onlyPid(embedder);
    let signs = 0;
    const onSignOfLife = () => {
      signs += 1;
    };
    const items = [await pictureOf(HANGS_ONCE), ...images.slice(0, 7)];
    const outcomes = await embedder.embed(model, hanging, items, { onSignOfLife });
    expect(outcomes.map(codeOf)).toEqual(items.map(() => 'vector'));
    expectVectors(outcomes.slice(1), expected.slice(0, 7));
    expect(isAlive(pid)).toBe(false);
    expect(log).toContain(
      `The encoder process ${pid} of model "${model}" is replaced: it ran the model without a result`,
    );
    expect(log).toContain('for 2 s');
    // Two batches, the replacement and its start.
    expect(signs).toBe(2 + 2);
  }));

test('requests do not extend the deadline of a device that hangs', () =>
  withEmbedder({ stallTimeoutMs: STALL_MS }, async (embedder) => {
    const hanging = hangingMedium('asked');
    await embedder.embed(model, hanging, images.slice(0, 4));
    const pid = onlyPid(embedder);
    const calls = [embedder.embed(model, hanging, [await pictureOf(HANGS_ONCE)])];
    const asking = setInterval(
      () => calls.push(embedder.embed(model, hanging, images.slice(0, 1), { findKnown: async () => new Set() })),
      200,
    );
    await expect.poll(() => isAlive(pid)).toBe(false);
    clearInterval(asking);
    expect((await Promise.all(calls)).flat().map(codeOf)).toEqual(calls.map(() => 'vector'));
  }));

test('a run may take longer if the runs before it were slow', () =>
  withEmbedder({ stallTimeoutMs: STALL_MS, batchSize: 1 }, async (embedder) => {
    const hanging = hangingMedium();
    // 1.5 seconds, then 3. A fifth of the stall timeout is 2.
    const outcomes = await embedder.embed(model, hanging, [await pictureOf(15), await pictureOf(30)]);
    expect(outcomes.map(codeOf)).toEqual(['vector', 'vector']);
    expect(log).toBe('');
  }));

test('a picture that hangs the device each time fails alone', () =>
  withEmbedder({ stallTimeoutMs: STALL_MS, batchSize: 2 }, async (embedder) => {
    const hanging = hangingMedium();
    const items = [...images.slice(0, 3), await pictureOf(HANGS)];
    const embedded = embedder.embed(model, hanging, items);
    await expect.poll(() => log.match(/is replaced/g)?.length).toBe(2);
    // It is alone from here on, whatever else there is to do.
    const calls: Promise<EmbedOutcome[]>[] = [];
    const asking = setInterval(() => calls.push(embedder.embed(model, hanging, images.slice(0, 1))), 200);
    const outcomes = await embedded;
    clearInterval(asking);
    expect(outcomes.map(codeOf)).toEqual(['vector', 'vector', 'vector', 'inference_crashed']);
    expect(outcomes[3]).toMatchObject({ error: { message: expect.stringContaining('without a result') } });
    expect((await Promise.all(calls)).flat().map(codeOf)).toEqual(calls.map(() => 'vector'));
    // Once for nobody, once for its batch, twice for it alone.
    expect(log.match(/is replaced/g)).toHaveLength(4);
  }));

test('an encoder whose device hangs ends with its worker', async () => {
  const worker = await startWorker(
    'orphan',
    `const embedder = createEmbedder({ threads: 1 });
     const medium = ${JSON.stringify(hangingMedium('orphaned'))};
     await embedder.open(${JSON.stringify(model)}, medium);
     embedder.embed(${JSON.stringify(model)}, medium, ${JSON.stringify([await pictureOf(HANGS_ONCE)])}).catch(() => {});
     process.send(embedder.childPids());`,
  );
  const [[pid]] = (await once(worker, 'message')) as [[number]];
  // The main thread, which would learn of the worker's end, waits in the batch.
  await expect.poll(() => existsSync(join(folder, 'orphaned'))).toBe(true);
  worker.kill('SIGKILL');
  await expect.poll(() => isAlive(pid)).toBe(false);
});

test.each([1, 2])('pictures that decode without end cost their own vectors, with %i threads', async (threads) => {
  const hasty = hastyMedium(1);
  const endless = [0, 1].map((n) => ({ path: join(folder, `endless-${threads}-${n}.svg`) }));
  for (const { path } of endless) await writeFile(path, ENDLESS_SVG);
  await withEmbedder({ threads }, async (embedder) => {
    await embedder.open(model, hasty);
    let signs = 0;
    const onSignOfLife = () => {
      signs += 1;
    };
    const outcomes = await embedder.embed(model, hasty, [...endless, ...images], { onSignOfLife });
    expect(outcomes.slice(0, endless.length).map(codeOf)).toEqual(endless.map(() => 'decode_timeout'));
    expectVectors(outcomes.slice(endless.length), expected);
    expect(signs).toBeGreaterThanOrEqual(2 * endless.length);
    expect(log).toContain('is replaced: decoding took too long');
  });
});

test('a picture that decodes without end once is embedded', () =>
  withEmbedder({}, async (embedder) => {
    const hasty = hastyMedium(1);
    await embedder.embed(model, hasty, images.slice(0, 1));
    const pid = onlyPidOf('decoder', embedder);
    const path = join(folder, 'mended.svg');
    await writeFile(path, ENDLESS_SVG);
    const embedded = embedder.embed(model, hasty, [{ path }, ...images]);
    // A process takes longer to start than this to be noticed.
    await expect.poll(() => embedder.decoderPids(), { interval: 1 }).not.toEqual([pid]);
    await writeFile(path, await readFile(join(folder, '0.png')));
    expectVectors(await embedded, [expected[0] as Float32Array, ...expected]);
  }));

test('a picture that is reported late by two means in one try has another', () =>
  withEmbedder({}, async (embedder) => {
    const items = [await pictureOf(LATE_ONCE), ...images.slice(0, 3)];
    const outcomes = await embedder.embed(model, hangingMedium('late'), items);
    expect(outcomes.map(codeOf)).toEqual(items.map(() => 'vector'));
  }));

test('a picture whose process stands still for longer than a decode may take is embedded', () =>
  withEmbedder({}, async (embedder) => {
    const seconds = 3;
    const hasty = hastyMedium(seconds);
    const path = join(folder, 'large.png');
    // Takes about a second. libvips looks at its clock after some rows of the result.
    const size = { height: 224, width: 224 };
    const graph = echoGraph('uint8', ['batch', size.height, size.width, 3]);
    const model = await writeModel(join(folder, 'larger'), graph, { ...RAW_4X4, size });
    await sharp({ create: { width: 12_000, height: 12_000, channels: 3, background: '#456' } })
      .png()
      .toFile(path);
    await embedder.embed(model, hasty, images.slice(0, 1));
    const pid = onlyPidOf('decoder', embedder);
    const idle = cpuTicksOf(pid);
    const embedded = embedder.embed(model, hasty, [{ path }]);
    await expect.poll(() => cpuTicksOf(pid), { interval: 5 }).toBeGreaterThan(idle + 10);
    process.kill(pid, 'SIGSTOP');
    await sleep(1.5 * seconds * 1000);
    process.kill(pid, 'SIGCONT');
    expect((await embedded).map(codeOf)).toEqual(['vector']);
    expect(onlyPidOf('decoder', embedder)).toBe(pid);
  }));

/** A process's state: `T` if it is stopped. */
const stateOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0];
