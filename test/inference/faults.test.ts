import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EmbedItem, EmbedOutcome } from '../../core/embedding/embedder.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import { createEmbedder, type InferenceEmbedder } from '../../inference/embedder.ts';
import { ENDLESS_SVG } from '../support/worst-files.ts';
import { codeOf, expectVectors, isAlive, onlyPid, withEmbedder } from './embedders.ts';
import {
  graphOf,
  lethalGraph,
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

let folder: string;
let slowModel: string;
let images: EmbedItem[];
let expected: Float32Array[];

beforeAll(async () => {
  folder = await temporaryFolder();
  slowModel = await writeModel(join(folder, 'slow'), slowGraph(6), RAW_4X4);
  const paths = Array.from({ length: IMAGES }, (_, n) => join(folder, `${n}.png`));
  const pixels = await Promise.all(paths.map(writePng));
  images = paths.map((path) => ({ path }));
  expected = pixels.map(unit);
});

afterAll(() => rm(folder, { recursive: true }));

/** Calls of a batch each, all under way at once; `onBatch` after each that is done. */
async function embedInCalls(
  embedder: InferenceEmbedder,
  onBatch: (done: number) => void = () => {},
): Promise<EmbedOutcome[]> {
  let done = 0;
  const calls = Array.from({ length: IMAGES / 4 }, async (_, call) => {
    const outcomes = await embedder.embed(slowModel, medium, images.slice(call * 4, call * 4 + 4));
    done += 1;
    onBatch(done);
    return outcomes;
  });
  return (await Promise.all(calls)).flat();
}

test('a process that is killed in mid-batch costs no vector', () =>
  withEmbedder({}, async (embedder) => {
    await embedder.open(slowModel, medium);
    const pids = new Set<number>();
    const outcomes = await embedInCalls(embedder, (done) => {
      // Batches follow each other without a pause: when one is done, the next is being computed.
      if (done !== 2 && done !== 5) return;
      const pid = onlyPid(embedder);
      pids.add(pid);
      process.kill(pid, 'SIGKILL');
    });
    expectVectors(outcomes, expected);
    pids.add(onlyPid(embedder));
    expect(pids.size).toBe(3);
  }));

test('a process that is killed while it loads is started anew', () =>
  withEmbedder({}, async (embedder) => {
    const embedded = embedder.embed(slowModel, medium, images);
    await expect.poll(() => embedder.childPids(), { interval: 1 }).toHaveLength(1);
    process.kill(onlyPid(embedder), 'SIGKILL');
    expectVectors(await embedded, expected);
  }));

test('a process that dies while idle is started anew by the next call', () =>
  withEmbedder({}, async (embedder) => {
    await embedder.open(slowModel, medium);
    const pid = onlyPid(embedder);
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => isAlive(pid)).toBe(false);
    expectVectors(await embedder.embed(slowModel, medium, images), expected);
  }));

test('a process that is kept from loading is an error of the call', () =>
  withEmbedder({}, async (embedder) => {
    const opened = embedder.open(slowModel, medium).catch((error: unknown) => error);
    const killer = setInterval(() => {
      for (const pid of embedder.childPids()) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    }, 5);
    const error = await opened;
    clearInterval(killer);
    expect(error).toMatchObject({ code: 'InferenceUnavailable', message: expect.stringContaining('SIGKILL') });
  }));

test.runIf(process.arch === 'x64')('an image that crashes the process fails alone', () =>
  withEmbedder({}, async (embedder) => {
    const model = await writeModel(join(folder, 'lethal'), lethalGraph(), RAW_4X4);
    const black = join(folder, 'black.png');
    await writePixels(black, new Uint8Array(48));
    const mixed = [...images.slice(0, 5), { path: black }, ...images.slice(5, 10)];
    const outcomes = await embedder.embed(model, medium, mixed);
    const codes = outcomes.map(codeOf);
    expect(codes).toEqual(mixed.map((_, n) => (n === 5 ? 'inference_crashed' : 'vector')));
    expect(outcomes[5]).toMatchObject({ error: { message: expect.stringContaining('SIGFPE') } });
  }),
);

test.runIf(process.arch === 'x64')('a process that crashes on image after image is an error of the call', () =>
  withEmbedder({}, async (embedder) => {
    const model = await writeModel(join(folder, 'always-lethal'), lethalGraph(), RAW_4X4);
    const black = join(folder, 'all-black.png');
    await writePixels(black, new Uint8Array(48));
    const embedded = embedder.embed(model, medium, new Array(8).fill({ path: black }));
    await expect(embedded).rejects.toMatchObject({ code: 'InferenceUnavailable' });
    // And the next call is served.
    expect(await embedder.embed(model, medium, images.slice(0, 1))).toMatchObject([
      { vector: expect.any(Float32Array) },
    ]);
  }),
);

test('an image that the runtime refuses fails alone', () =>
  withEmbedder({}, async (embedder) => {
    const divides = graphOf('uint8', ['batch', 4, 4, 3], (graph, pixels) => {
      const flat = graph.apply('Flatten', [pixels], { axis: 1 });
      const brightest = graph.apply('ReduceMax', [flat], { axes: [1], keepdims: 1 });
      // Division of integers by zero, which ONNX Runtime reports.
      const quotient = graph.apply('Div', [
        graph.constant('int32', [1], [1000]),
        graph.apply('Cast', [brightest], { to: 6 }),
      ]);
      return graph.apply('Concat', [flat, graph.apply('Cast', [quotient], { to: 1 })], { axis: 1 });
    });
    const model = await writeModel(join(folder, 'divides'), divides, RAW_4X4);
    const black = join(folder, 'zero.png');
    await writePixels(black, new Uint8Array(48));
    const outcomes = await embedder.embed(model, medium, [
      ...images.slice(0, 2),
      { path: black },
      ...images.slice(2, 4),
    ]);
    expect(outcomes.map(codeOf)).toEqual(['vector', 'vector', 'inference_failed', 'vector', 'vector']);
  }));

test('a vector that is not finite fails alone', () =>
  withEmbedder({}, async (embedder) => {
    const divides = graphOf('uint8', ['batch', 4, 4, 3], (graph, pixels) => {
      const flat = graph.apply('Flatten', [pixels], { axis: 1 });
      const mean = graph.apply('ReduceMean', [flat], { axes: [1], keepdims: 1 });
      return graph.apply('Div', [flat, mean]);
    });
    const model = await writeModel(join(folder, 'nan'), divides, RAW_4X4);
    const black = join(folder, 'nan.png');
    await writePixels(black, new Uint8Array(48));
    const outcomes = await embedder.embed(model, medium, [{ path: black }, ...images.slice(0, 1)]);
    expect(outcomes).toMatchObject([{ error: { code: 'vector_not_finite' } }, { vector: expect.any(Float32Array) }]);
  }));

test('an image that can not be decoded fails alone', () =>
  withEmbedder({}, async (embedder) => {
    const mixed = [...images.slice(0, 6), { path: join(folder, 'vanished.png') }, ...images.slice(6, 9)];
    const outcomes = await embedder.embed(slowModel, medium, mixed);
    expect(outcomes.map((outcome) => 'error' in outcome)).toEqual(mixed.map((_, n) => n === 6));
    expect(outcomes[6]).toMatchObject({ error: { code: 'file_not_found' } });
  }));

test('the loop of the caller stays free while a batch is computed', () =>
  withEmbedder({ batchSize: IMAGES }, async (embedder) => {
    const model = await writeModel(join(folder, 'slower'), slowGraph(18), RAW_4X4);
    await embedder.open(model, medium);
    const started = performance.now();
    let last = started;
    let longestMs = 0;
    const tick = () => {
      longestMs = Math.max(longestMs, performance.now() - last);
      last = performance.now();
    };
    const ticking = setInterval(tick, 5);
    await embedder.embed(model, medium, images);
    tick();
    clearInterval(ticking);
    const elapsedMs = last - started;
    // It blocks for nearly all of that time if inference runs here. A busy machine lets it wait for some of it.
    expect(longestMs).toBeLessThan(elapsedMs / 2);
    expect(elapsedMs).toBeGreaterThan(200);
  }));

test('a call that is aborted ends at once, and the others go on', () =>
  withEmbedder({}, async (embedder) => {
    await embedder.open(slowModel, medium);
    const controller = new AbortController();
    const reason = new Error('enough');
    const many = Array.from({ length: 2000 }, (_, n) => images[n % IMAGES] as EmbedItem);
    const aborted = embedder
      .embed(slowModel, medium, many, { signal: controller.signal })
      .catch((error: unknown) => error);
    const other = embedder.embed(slowModel, medium, images);
    await embedder.embed(slowModel, medium, []);
    controller.abort(reason);
    expect(await aborted).toBe(reason);
    expectVectors(await other, expected);
    await expect(embedder.embed(slowModel, medium, images, { signal: controller.signal })).rejects.toBe(reason);
  }));

test('an aborted call does not wait for a model that is being loaded', () =>
  withEmbedder({}, async (embedder) => {
    const controller = new AbortController();
    const embedded = embedder.embed(slowModel, medium, images, { signal: controller.signal });
    controller.abort();
    await expect(embedded).rejects.toMatchObject({ name: 'AbortError' });
  }));

test('closing rejects what is under way and leaves no process behind', async () => {
  const embedder = createEmbedder({ batchSize: 4, threads: 1 });
  await embedder.open(slowModel, medium);
  const pid = onlyPid(embedder);
  const embedded = embedder.embed(slowModel, medium, images).catch((error: unknown) => error);
  await new Promise((resolve) => setImmediate(resolve));
  await embedder.close();
  expect(await embedded).toMatchObject({ message: expect.stringContaining('closed') });
  expect(isAlive(pid)).toBe(false);
  await expect(embedder.embed(slowModel, medium, images)).rejects.toThrow(/closed/);
});

test('closing comes to its end also where the process has been idle for long enough at that moment', async () => {
  const embedder = createEmbedder({ batchSize: 4, threads: 1, idleMs: 20 });
  await embedder.open(slowModel, medium);
  const pid = onlyPid(embedder);
  // The timer is due by then, and fires before the process's end is reported.
  for (const begun = performance.now(); performance.now() - begun < 40; );
  await embedder.close();
  expect(isAlive(pid)).toBe(false);
});

test('the process of a model that is not used ends, and the next call starts one', () =>
  withEmbedder({ idleMs: 50 }, async (embedder) => {
    await embedder.open(slowModel, medium);
    const pid = onlyPid(embedder);
    await expect.poll(() => isAlive(pid)).toBe(false);
    expect(embedder.childPids()).toEqual([]);
    expectVectors(await embedder.embed(slowModel, medium, images), expected);
  }));

test('the process ends when the worker is killed', async () => {
  const embedderFile = new URL('../../inference/embedder.ts', import.meta.url).href;
  const mediumFile = new URL('../../core/media/images/medium.ts', import.meta.url).href;
  const script = `
    const { createEmbedder } = await import(${JSON.stringify(embedderFile)});
    const { imagesMedium } = await import(${JSON.stringify(mediumFile)});
    const embedder = createEmbedder({ threads: 1 });
    await embedder.open(${JSON.stringify(slowModel)}, imagesMedium());
    process.send(embedder.childPids());
    setInterval(() => {}, 1000);
  `;
  const workerFile = join(folder, 'worker.mjs');
  await writeFile(workerFile, script);
  const worker = fork(workerFile, { execArgv: [] });
  const [pids] = (await once(worker, 'message')) as [number[]];
  const pid = pids[0] as number;
  expect(isAlive(pid)).toBe(true);
  worker.kill('SIGKILL');
  await expect.poll(() => isAlive(pid)).toBe(false);
});

test('a process that decodes without end ends with its worker', async () => {
  const path = join(folder, 'endless.svg');
  await writeFile(path, ENDLESS_SVG);
  const model = await writeModel(join(folder, 'orphaned'), slowGraph(1), RAW_4X4);
  const script = `
    import { createEmbedder } from ${JSON.stringify(join(import.meta.dirname, '../../inference/embedder.ts'))};
    import { imagesMedium } from ${JSON.stringify(join(import.meta.dirname, '../../core/media/images/medium.ts'))};
    const embedder = createEmbedder({ threads: 1 });
    const medium = imagesMedium();
    await embedder.open(${JSON.stringify(model)}, medium);
    embedder.embed(${JSON.stringify(model)}, medium, [{ path: ${JSON.stringify(path)} }]).catch(() => {});
    setTimeout(() => console.log(embedder.childPids()[0]), 1000);`;
  const worker = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: worker.stdout }), 'line')) as [string];
  const pid = Number(line);
  expect(isAlive(pid)).toBe(true);
  worker.kill('SIGKILL');
  await expect.poll(() => isAlive(pid)).toBe(false);
});
