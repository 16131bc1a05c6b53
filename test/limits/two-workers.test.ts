import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CommandBench, createCommandBench } from '../cli/command-bench.ts';
import { makePictures } from '../support/pictures.ts';

const LOADS = 2;
const IMAGES = 96;
const BATCH = 32;

let bench: CommandBench;

beforeAll(async () => {
  bench = await createCommandBench();
  await makePictures(join(bench.folder, 'pictures'), IMAGES);
  await Promise.all([bench.startWorker('indexing'), bench.startWorker('embedding'), bench.startWorker('embedding')]);
});
afterAll(() => bench?.stop());

it('is shared by the embedding workers of a task queue, and shown and lifted by the command', async () => {
  const rate = 40;
  const set = await bench.run('limit', '--samples-per-second', String(rate));
  expect(set.stdout).toBe('plimsoll-gpu: 40 samples/s\n');

  const runs = await Promise.all(
    Array.from({ length: LOADS }, (_, n) =>
      bench.run('load', 'pictures', '--dataset', `pictures-${n}`, '--wait', '--json'),
    ),
  );
  const phases = runs.map(({ stdout }) => JSON.parse(stdout).phases.embedding);
  expect(phases.map(({ done }) => done)).toEqual([IMAGES, IMAGES]);
  const begun = Math.min(...phases.map(({ started_at }) => Date.parse(started_at)));
  const ended = Math.max(...phases.map(({ finished_at }) => Date.parse(finished_at)));
  expect((ended - begun) / 1000).toBeGreaterThan((LOADS * IMAGES - BATCH) / rate - 1.1);

  expect((await bench.run('limit', '--off')).stdout).toBe('plimsoll-gpu: no limit\n');
});
