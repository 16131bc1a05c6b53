import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { EmbedItem } from '../../core/embedding/embedder.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import { findModel } from '../../core/models/find-model.ts';
import { type Frames, openFrames } from '../../inference/frames.ts';
import { createModelRunner } from '../../inference/model-runner.ts';
import { settingsFromEnvironment, settingsOn } from '../../inference/settings.ts';
import { expectVectors } from './embedders.ts';
import { echoGraph, RAW_4X4, temporaryFolder, unit, writeModel, writePng } from './tiny-models.ts';

/** What the frames of the next runner do. */
const frames = { most: Number.POSITIVE_INFINITY, fails: '' };

function openLimitedFrames(): Frames {
  if (frames.fails === 'open') throw new Error('read-only file system');
  const opened = openFrames();
  return {
    ...opened,
    async reserve(count, bytes) {
      if (frames.fails === 'reserve') throw new Error('no space left on device');
      await opened.reserve(Math.min(count, frames.most), bytes);
    },
  };
}

const IMAGES = 30;
const medium = imagesMedium();
let folder: string;
let model: string;
let images: EmbedItem[];
let expected: Float32Array[];

beforeAll(async () => {
  folder = await temporaryFolder();
  model = await writeModel(join(folder, 'echo'), echoGraph('uint8', ['batch', 4, 4, 3]), RAW_4X4);
  const paths = Array.from({ length: IMAGES }, (_, n) => join(folder, `${n}.png`));
  expected = (await Promise.all(paths.map(writePng))).map(unit);
  images = paths.map((path) => ({ path }));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  frames.most = Number.POSITIVE_INFINITY;
  frames.fails = '';
});

async function withRunner(use: (runner: ReturnType<typeof createModelRunner>) => Promise<void>): Promise<void> {
  const devices = [{ type: 'cpu' }] as const;
  const settings = { ...settingsFromEnvironment({}), devices, batchSize: 8, threads: 2, decoders: 2 };
  const files = await findModel(model, medium.models);
  const runner = createModelRunner(files, medium, settingsOn(devices[0], devices, settings), openLimitedFrames);
  try {
    await use(runner);
  } finally {
    await runner.stop(new Error('over'));
  }
}

test.each([1, 2, 5])('with room for %i frames, batches are smaller', (most) =>
  withRunner(async (runner) => {
    frames.most = most;
    expectVectors(await runner.embed(images as { path: string }[]), expected);
  }),
);

test.each(['open', 'reserve'])(
  'frames that can not be made are an error of the call, and the next one tries again: %s',
  (how) =>
    withRunner(async (runner) => {
      frames.fails = how;
      const error = { code: 'InferenceUnavailable', message: expect.stringContaining('no room for decoded images') };
      await expect(runner.embed(images as { path: string }[])).rejects.toMatchObject(error);
      if (how === 'open') await expect(runner.load()).rejects.toMatchObject(error);
      frames.fails = '';
      expectVectors(await runner.embed(images as { path: string }[]), expected);
    }),
);

test('nothing starts for a call that is stopped while its content is hashed', () =>
  withRunner(async (runner) => {
    const bytes = new Uint8Array(128 * 1024 * 1024);
    const items = [{ bytes }, ...(images as { path: string }[])];
    const embedded = runner.embed(items, { findKnown: async () => new Set() });
    const reason = new Error('enough');
    await Promise.all([runner.stop(reason), expect(embedded).rejects.toBe(reason)]);
    // As long as the hash of the call takes.
    await crypto.subtle.digest('SHA-256', bytes);
    await new Promise((resolve) => setImmediate(resolve));
    expect([runner.pid, ...runner.decoderPids()]).toEqual([undefined]);
  }));
