import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import type { Embedder } from '../../core/embedding/embedder.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { createEmbedder } from '../../inference/embedder.ts';
import { makePictures } from '../support/pictures.ts';
import { createStandIn } from '../support/stand-in-embedder.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench | undefined;
let embedder: Embedder | undefined;
afterEach(async () => {
  await bench?.stop();
  await embedder?.close();
});

/** A workbench with pictures, whose worker embeds with `given`. */
async function loadWith(given: Embedder, pictures: number) {
  embedder = given;
  bench = await openWorkbench({ plugin: { embedder } });
  const [dataset, source] = [bench.newDataset(), join(bench.folder, 'pictures')];
  await makePictures(source, pictures);
  return { bench, dataset, source };
}

it('all have three batches of a chunk to work on', async () => {
  const standIn = createStandIn();
  let [atOnce, most] = [0, 0];
  const gated: Embedder = {
    ...standIn,
    open: async (...request) => ({ ...(await standIn.open(...request)), batchSize: 4, devices: 3 }),
    async embed(...request) {
      atOnce += 1;
      most = Math.max(most, atOnce);
      // Longer than the batches of a chunk take to get here.
      await delay(300);
      atOnce -= 1;
      return standIn.embed(...request);
    },
  };
  // As many as one chunk has.
  const { bench, dataset, source } = await loadWith(gated, 60);
  expect(await bench.load({ dataset, source })).toMatchObject({ state: 'completed' });
  expect(most).toBe(9);
});

it('embed each sample once if the process of one is killed', async () => {
  const inference = createEmbedder({ devices: [{ type: 'cpu' }, { type: 'cpu' }], batchSize: 4, threads: 2 });
  const { bench, dataset, source } = await loadWith(inference, 120);
  const { job_id } = await bench.startLoad({ dataset, source });
  for await (const { phases } of bench.watch(job_id)) if (phases.embedding.done > 0) break;
  const [first, second] = inference.childPids();
  process.kill(second as number, 'SIGKILL');
  expect(await bench.wait(job_id)).toMatchObject({
    state: 'completed',
    phases: { embedding: { done: 120, failed: 0, total: 120, device: 'cpu,cpu' } },
  });
  expect(await collectionsOf(bench.store).embeddings.countDocuments({ dataset_id: dataset })).toBe(120);
  expect(inference.childPids()).toContain(first);
  expect(inference.childPids()).not.toContain(second);
});
