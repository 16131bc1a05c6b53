import { afterAll, beforeAll, expect, it } from 'vitest';
import { memorySource } from '../../core/sources/memory/memory-source.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { linesMedium } from '../support/lines-medium.ts';
import { createStandIn } from '../support/stand-in-embedder.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

/** More chunks than are in the queue at once, each of which takes seconds. */
const LINES = 3000;
const LINES_PER_SECOND = 40;

const memory = memorySource();
let bench: Workbench;
let stopWorker: () => Promise<void>;

beforeAll(async () => {
  const plugin = {
    sources: [memory],
    media: [linesMedium()] as const,
    embedder: createStandIn({ perSecond: LINES_PER_SECOND }),
  };
  bench = await openWorkbench({ roles: ['indexing'], plugin });
  stopWorker = await bench.startWorker('embedding');
  const lines = Array.from({ length: LINES }, (_, n) => `line ${n}`).join('\n');
  memory.put('memory:/many/all.lines', new TextEncoder().encode(lines));
});
afterAll(() => bench.stop());

it('a canceled embedding ends when its chunks have stored what the device has done, and counts all of it', async () => {
  const dataset = bench.newDataset();
  const { job_id } = await bench.startLoad({ dataset, source: 'memory:/many', model: 'stand-in' });
  for await (const { phases } of bench.watch(job_id)) if (phases.embedding.done > 0) break;
  await bench.cancel(job_id);
  const status = await bench.wait(job_id);
  expect(status).toMatchObject({ state: 'canceled', phases: { embedding: { state: 'canceled' } } });

  // A worker ends only when its activities have.
  await stopWorker();
  const { embeddings, datasets } = collectionsOf(bench.store);
  const stored = await embeddings.countDocuments({ dataset_id: dataset });
  expect(stored).toBeGreaterThan(0);
  expect(stored).toBeLessThan(LINES);
  expect(status.phases.embedding.done).toBe(stored);
  expect(await datasets.findOne({ _id: dataset })).toMatchObject({ models: [{ vectors: stored }] });
});
