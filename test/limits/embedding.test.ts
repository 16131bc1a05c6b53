import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const IMAGES = 160;
const BATCH = 8;

let bench: Workbench;
let source: string;

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing', 'embedding'], env: { PLIMSOLL_BATCH_SIZE: String(BATCH) } });
  source = join(bench.folder, 'pictures');
  await makePictures(source, IMAGES);
});
afterAll(() => bench?.stop());

const secondsBetween = (from: string | null, to: string | null) =>
  (Date.parse(to ?? '') - Date.parse(from ?? '')) / 1000;

/** How long it takes to embed the pictures at a limit. */
async function secondsAt(rate: number | null): Promise<number> {
  await bench.limits.set(rate, bench.embedTaskQueue);
  const { state, phases } = await bench.load({ dataset: bench.newDataset(), source });
  expect(state).toBe('completed');
  expect(phases.embedding.done).toBe(IMAGES);
  return secondsBetween(phases.embedding.started_at, phases.embedding.finished_at);
}

it('embeds at the limit', async () => {
  const rate = 40;
  const unlimited = await secondsAt(null);
  const limited = await secondsAt(rate);
  // The first batch goes at once, and a second's worth may have been saved up.
  expect(limited).toBeGreaterThan((IMAGES - BATCH) / rate - 1.1);
  // The bound allows for a busy machine, which is slow without a limit too.
  expect(limited).toBeLessThan((IMAGES - BATCH) / rate + 8 + 3 * unlimited);
});

it('says that it is throttled, and is faster as soon as the limit is raised', async () => {
  await bench.limits.set(0.5, bench.embedTaskQueue);
  const { job_id } = await bench.startLoad({ dataset: bench.newDataset(), source });
  for await (const { phases } of bench.watch(job_id)) {
    if (phases.embedding.waiting_for?.reason !== 'throttled') continue;
    expect(phases.embedding).toMatchObject({
      state: 'running',
      waiting_for: { task_queue: bench.embedTaskQueue, samples_per_second: 0.5, until: null },
    });
    break;
  }
  await bench.limits.set(1000, bench.embedTaskQueue);
  const { state, phases } = await bench.wait(job_id);
  expect(state).toBe('completed');
  expect(phases.embedding.waiting_for).toBeNull();
});

it('ends at once when it is canceled while a batch waits', async () => {
  await bench.limits.set(0.01, bench.embedTaskQueue);
  const { job_id } = await bench.startLoad({ dataset: bench.newDataset(), source });
  for await (const { phases } of bench.watch(job_id)) if (phases.embedding.done > 0) break;
  await bench.cancel(job_id);
  expect((await bench.wait(job_id)).state).toBe('canceled');
});
