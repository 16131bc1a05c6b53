import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { BUILT_IN_MODEL } from '../../contract/built-in-model.ts';
import type { EmbedItem, EmbedOutcome } from '../../core/embedding/embedder.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import { knownMedia } from '../../core/media/registry.ts';
import { DeviceUnavailableError, InferenceUnavailableError, ModelInvalidError } from '../../core/models/errors.ts';
import { findModel } from '../../core/models/find-model.ts';
import { checkDevice, endIfLost } from '../../inference/check-device.ts';
import { createEmbedder } from '../../inference/embedder.ts';
import { createModelRunner, type ModelRunner } from '../../inference/model-runner.ts';
import { type Device, devicesName, parseDevices, settingsFromEnvironment } from '../../inference/settings.ts';
import { createSharedRunner, type SharedRunner } from '../../inference/shared-runner.ts';
import type { SideItem } from '../../inference/task.ts';
import { NO_VULKAN, softwareVulkan } from '../support/software-vulkan.ts';
import { expectVectors, isAlive, withEmbedder } from './embedders.ts';
import { RAW_4X4, slowGraph, temporaryFolder, unit, writeModel, writePng } from './tiny-models.ts';

const medium = imagesMedium();
const IMAGES = 40;
const CPU: Device = { type: 'cpu' };
const WEBGPU: Device = { type: 'webgpu' };

let folder: string;
let model: string;
let images: SideItem[];
let expected: Float32Array[];

beforeAll(async () => {
  folder = await temporaryFolder();
  model = await writeModel(join(folder, 'slow'), slowGraph(6), RAW_4X4);
  const paths = Array.from({ length: IMAGES }, (_, n) => join(folder, `${n}.png`));
  const pixels = await Promise.all(paths.map(writePng));
  images = paths.map((path) => ({ path }));
  expected = pixels.map(unit);
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

function stubEnvs(env: Record<string, string>): void {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
}

/** Keeps what would be written to the worker's log. */
function keepLog(): () => string {
  let log = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    log += String(chunk);
    return true;
  });
  return () => log;
}

describe('PLIMSOLL_DEVICE', () => {
  test.each([
    ['cpu', [CPU]],
    ['cuda', [{ type: 'cuda', index: 0 }]],
    ['webgpu', [WEBGPU]],
    [
      'cuda:0,cuda:1',
      [
        { type: 'cuda', index: 0 },
        { type: 'cuda', index: 1 },
      ],
    ],
    ['cpu, cpu', [CPU, CPU]],
    ['auto', 'auto'],
  ])('may be "%s"', (named, devices) => {
    const settings = settingsFromEnvironment({ PLIMSOLL_DEVICE: named });
    expect(settings.devices).toEqual(devices);
    expect(parseDevices(devicesName(settings.devices))).toEqual(devices);
  });

  test.each(['gpu', 'cuda:', 'cuda:1234', 'webgpu:1', 'cpu,', ',', 'auto,cpu', 'CPU'])('may not be "%s"', (named) => {
    expect(() => settingsFromEnvironment({ PLIMSOLL_DEVICE: named })).toThrow(
      `PLIMSOLL_DEVICE is "${named}"; it can be auto, cpu, cuda, cuda:N, webgpu, or a list of devices such as cuda:0,cuda:1.`,
    );
  });

  test('has to name a device', () => {
    expect(() => createEmbedder({ devices: [] })).toThrow(/name one at least/);
  });
});

describe('several devices', () => {
  const settings = { ...settingsFromEnvironment({}), batchSize: 4, threads: 4 };
  let shared: SharedRunner | undefined;
  afterEach(async () => {
    await shared?.stop(new Error('The test is over.'));
    shared = undefined;
  });

  /** A runner on two CPUs. `alter` may replace the runner of each. */
  async function shareAmong(alter: (runner: ModelRunner, index: number) => ModelRunner, devices = [CPU, CPU]) {
    const given: { threads: number; items: number[] }[] = [];
    const files = await findModel(model, medium.models);
    shared = createSharedRunner(files, medium, { ...settings, devices }, (...request) => {
      const runner = createModelRunner(...request);
      const seen = { threads: request[2].threads, items: [] as number[] };
      given.push(seen);
      const altered = alter(runner, given.length - 1);
      return {
        ...altered,
        get pid() {
          return runner.pid;
        },
        get first() {
          return runner.first;
        },
        embed: (items, options) => {
          seen.items.push(items.length);
          return altered.embed(items, options);
        },
      };
    });
    return { runner: shared, given };
  }

  const as = (runner: ModelRunner, changed: Partial<ModelRunner>): ModelRunner => ({ ...runner, ...changed });

  test('share the items of one call in batches, and the threads', async () => {
    const { runner, given } = await shareAmong((one) => one);
    expect(await runner.load()).toMatchObject({ dim: 48, batchSize: 4 });
    expectVectors(await runner.embed(images), expected);
    expect(given).toEqual([
      { threads: 2, items: Array(5).fill(4) },
      { threads: 2, items: Array(5).fill(4) },
    ]);
    expect(new Set(runner.pids).size).toBe(2);
  });

  test('share calls by which has fewer items under way', async () => {
    const { runner, given } = await shareAmong((one) => one);
    await runner.load();
    // Calls with `findKnown` stay whole: it has to see all of their items together.
    const findKnown = vi.fn(async () => new Set<string>());
    const calls = [8, 4, 4, 4].map((count) => runner.embed(images.slice(0, count), { findKnown }));
    for (const outcomes of await Promise.all(calls)) expectVectors(outcomes, expected.slice(0, outcomes.length));
    expect(given.map(({ items }) => items)).toEqual([
      [8, 4],
      [4, 4],
    ]);
    expect(findKnown).toHaveBeenCalledTimes(4);
  });

  test('lose nothing if a process is killed in mid-batch', () =>
    withEmbedder({ devices: [CPU, CPU] }, async (embedder) => {
      expect(await embedder.open(model, medium)).toMatchObject({ device: 'cpu,cpu', devices: 2 });
      const pids = embedder.childPids();
      expect(pids).toHaveLength(2);
      let done = 0;
      const calls = Array.from({ length: IMAGES / 4 }, async (_, call) => {
        const outcomes = await embedder.embed(model, medium, images.slice(call * 4, call * 4 + 4));
        done += 1;
        if (done === 2) process.kill(pids[1] as number, 'SIGKILL');
        return outcomes;
      });
      expectVectors((await Promise.all(calls)).flat(), expected);
      expect(isAlive(pids[1] as number)).toBe(false);
      const after = embedder.childPids();
      expect(after[0]).toBe(pids[0]);
      expect(after).toHaveLength(2);
    }));

  test('one that fails leaves its items to the others, and gets none for a while', async () => {
    const log = keepLog();
    const { runner, given } = await shareAmong((one, index) =>
      index === 0 ? one : as(one, { embed: () => Promise.reject(new InferenceUnavailableError('It keeps dying.')) }),
    );
    await runner.load();
    expectVectors(await runner.embed(images.slice(0, 16)), expected.slice(0, 16));
    expectVectors(await runner.embed(images), expected);
    expect(given.map(({ items }) => items.length)).toEqual([4 + 10, 2]);
    expect(log()).toBe('Device cpu gets no work for 60 s, and others take it over: It keeps dying.\n');
  });

  test('fail if all fail, and are tried again by the next call', async () => {
    keepLog();
    let broken = true;
    const { runner } = await shareAmong((one) =>
      as(one, {
        embed: (...request) =>
          broken ? Promise.reject(new InferenceUnavailableError('It keeps dying.')) : one.embed(...request),
      }),
    );
    await runner.load();
    await expect(runner.embed(images)).rejects.toMatchObject({ code: 'InferenceUnavailable' });
    broken = false;
    expectVectors(await runner.embed(images), expected);
  });

  test('do not share what is no fault of a device', async () => {
    const { runner, given } = await shareAmong((one, index) =>
      index === 0 ? as(one, { embed: () => Promise.reject(new ModelInvalidError('no')) }) : one,
    );
    await runner.load();
    await expect(runner.embed(images.slice(0, 4))).rejects.toMatchObject({ code: 'ModelInvalid' });
    expect(given.map(({ items }) => items)).toEqual([[4], []]);
  });

  test('have to load the model all, and leave no process behind if one can not', async () => {
    const { runner } = await shareAmong((one, index) =>
      index === 0
        ? one
        : as(one, { load: () => one.load().then(() => Promise.reject(new DeviceUnavailableError('gone'))) }),
    );
    await expect(runner.load()).rejects.toMatchObject({ code: 'DeviceUnavailable', message: 'gone' });
    await expect.poll(() => runner.pids.filter(isAlive)).toEqual([]);
  });

  test('leave words to the first', () =>
    withEmbedder({ devices: [CPU, CPU] }, async (embedder) => {
      const documents = knownMedia().byName('text');
      const [outcome] = await embedder.embed(BUILT_IN_MODEL, documents, [{ text: 'red' }]);
      expect(outcome).toHaveProperty('vector');
      expect(embedder.childPids()).toHaveLength(1);
      await embedder.open(BUILT_IN_MODEL, documents);
      expect(embedder.childPids()).toHaveLength(3);
    }));
});

describe('the check of a GPU', () => {
  /** A session on the CPU whose vectors `alter` changes on the way. */
  async function sessionOn(graph: string, alter: (vectors: Float32Array) => void): Promise<InferenceSession> {
    const session = await InferenceSession.create(graph, { intraOpNumThreads: 1 });
    const altered: Pick<InferenceSession, 'inputMetadata' | 'release' | 'run'> = {
      inputMetadata: session.inputMetadata,
      release: () => session.release(),
      async run(feeds: InferenceSession.FeedsType) {
        const results = await session.run(feeds);
        for (const result of Object.values(results)) if (result instanceof Tensor) alter(result.data as Float32Array);
        return results;
      },
    };
    return altered as InferenceSession;
  }
  const checkWith = (alter: (vectors: Float32Array) => void, device: Device = WEBGPU) =>
    checkDevice(device, (graph, { type }) => sessionOn(graph, type === 'cpu' ? () => {} : alter));

  test('passes vectors that are rounded', async () => {
    await checkWith((vectors) => {
      for (const [i, x] of vectors.entries()) vectors[i] = x * (1 + (i % 2 === 0 ? 1e-3 : -1e-3));
    });
  });

  test.each<[string, (vectors: Float32Array) => void]>([
    ['zeros', (vectors) => vectors.fill(0)],
    ['NaN', (vectors) => vectors.fill(Number.NaN, 5, 6)],
    ['the rows in another order', (vectors) => vectors.copyWithin(0, vectors.length / 4)],
    ['a part that is not computed', (vectors) => vectors.fill(0, 0, 30)],
    ['a wrong number', (vectors) => vectors.fill(1, 3, 4)],
  ])('refuses %s', async (_, alter) => {
    await expect(checkWith(alter)).rejects.toMatchObject({
      code: 'DeviceUnavailable',
      message: expect.stringMatching(
        /asks for webgpu, which can't be used: it gives wrong vectors.*PLIMSOLL_DEVICE=cpu/,
      ),
    });
  });

  test('is one of CUDA, too, and none of the CPU', async () => {
    await expect(checkWith((vectors) => vectors.fill(0), { type: 'cuda', index: 1 })).rejects.toMatchObject({
      message: expect.stringContaining('cuda:1'),
    });
    await checkWith((vectors) => vectors.fill(0), CPU);
  });
});

describe('a run that fails', () => {
  const lost = () => Promise.reject(new Error('device lost'));

  test('ends the process of a GPU that is lost, so that no item is blamed', async () => {
    const log = keepLog();
    const end = vi.fn();
    await endIfLost({ type: 'cuda', index: 1 }, lost, end);
    expect(end).toHaveBeenCalledOnce();
    expect(log()).toBe('cuda:1 is lost: device lost.\n');
  });

  test('is the fault of its items on a GPU that still runs others, and on the CPU', async () => {
    const end = vi.fn();
    await endIfLost(WEBGPU, async () => {}, end);
    await endIfLost(CPU, lost, end);
    expect(end).not.toHaveBeenCalled();
  });
});

/** Other platforms have no Vulkan, or ONNX Runtime's package for them no WebGPU. */
describe.runIf(process.platform === 'linux' && process.arch === 'x64')('without a GPU', () => {
  test('webgpu is an error that says what to do', async () => {
    stubEnvs(NO_VULKAN);
    await withEmbedder({ devices: [WEBGPU] }, async (embedder) => {
      await expect(embedder.open(model, medium)).rejects.toMatchObject({
        code: 'DeviceUnavailable',
        message:
          "PLIMSOLL_DEVICE asks for webgpu, which can't be used: no adapter was found. It needs the Vulkan loader " +
          "(libvulkan1) and the GPU's Vulkan driver, or set PLIMSOLL_DEVICE=cpu.",
      });
    });
  });

  test('auto takes the CPU, and says why', async () => {
    stubEnvs(NO_VULKAN);
    const log = keepLog();
    await withEmbedder({ devices: 'auto' }, async (embedder) => {
      expect(await embedder.open(model, medium)).toMatchObject({ device: 'cpu', devices: 1 });
      expectVectors(await embedder.embed(model, medium, images), expected);
      expect(embedder.childPids()).toHaveLength(1);
    });
    expect(log()).toMatch(/^PLIMSOLL_DEVICE=auto takes cpu \(cuda: .+; webgpu: no adapter was found\)\.$/m);
    expect(log().match(/auto takes/g)).toHaveLength(1);
  });

  test('auto blames a broken model, and no device', () =>
    withEmbedder({ devices: 'auto' }, async (embedder) => {
      stubEnvs(NO_VULKAN);
      keepLog();
      const broken = await writeModel(join(folder, 'broken'), 'no graph', RAW_4X4);
      await expect(embedder.open(broken, medium)).rejects.toMatchObject({ code: 'ModelInvalid' });
      expect(await embedder.open(model, medium)).toMatchObject({ device: 'cpu' });
    }));

  test('a driver that crashes while the model is loaded is an error of the device', async () => {
    stubEnvs(NO_VULKAN);
    keepLog();
    await withEmbedder({ devices: [WEBGPU] }, async (embedder) => {
      const opened = embedder.open(model, medium).catch((error: unknown) => error);
      const killer = setInterval(() => {
        for (const pid of embedder.childPids()) if (isAlive(pid)) process.kill(pid, 'SIGSEGV');
      }, 5);
      const error = await opened;
      clearInterval(killer);
      expect(error).toMatchObject({
        code: 'DeviceUnavailable',
        message: expect.stringMatching(/webgpu, which can't be used: .*SIGSEGV.*Update the GPU's driver/s),
      });
    });
  });
});

/** The built-in model has layers of several kinds, unlike our tiny models. */
describe('with an adapter of WebGPU', () => {
  let env: Record<string, string> | undefined;
  beforeAll(async () => {
    env = await softwareVulkan();
  }, 300_000);

  test('vectors are those of the CPU, and a program that stands in for a GPU is named', async ({ skip }) => {
    if (env === undefined) return skip('no software adapter of Vulkan is on this machine');
    const few: EmbedItem[] = images.slice(0, 4);
    const vectorsOn = async (device: Device) => {
      let outcomes: EmbedOutcome[] = [];
      await withEmbedder({ devices: [device] }, async (embedder) => {
        expect(await embedder.open(BUILT_IN_MODEL, medium)).toMatchObject({ device: device.type });
        outcomes = await embedder.embed(BUILT_IN_MODEL, medium, few);
      });
      return outcomes.map((outcome) => ('vector' in outcome ? outcome.vector : new Float32Array()));
    };
    const onCpu = await vectorsOn(CPU);
    stubEnvs(env);
    const log = keepLog();
    const onGpu = await vectorsOn(WEBGPU);
    const worst = Math.max(
      ...onGpu.flatMap((vector, n) => [...vector].map((x, i) => Math.abs(x - (onCpu[n]?.[i] ?? 9)))),
    );
    expect(worst).toBeLessThan(1e-4);
    expect(log()).toMatch(/asks for webgpu, but the adapter takes \d+ ms for what the CPU does in \d+ ms/);
  });

  test('auto does not take a program for a GPU', async ({ skip }) => {
    if (env === undefined) return skip('no software adapter of Vulkan is on this machine');
    stubEnvs(env);
    const log = keepLog();
    await withEmbedder({ devices: 'auto' }, async (embedder) => {
      expect(await embedder.open(model, medium)).toMatchObject({ device: 'cpu' });
    });
    expect(log()).toMatch(/auto takes cpu \(.*webgpu: the adapter takes \d+ ms for what the CPU does/);
  });
});
