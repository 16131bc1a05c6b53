import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmbedChunkInput } from '../../activities/inference.ts';
import { makeManyFiles } from '../support/many-files.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const LARGE = 5000;
const SMALL = 200;

let bench: Workbench;
/** The datasets of the chunks, in the order in which the one slot took them. */
const taken: string[] = [];

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
  await bench.startWorker('embedding', {
    maxConcurrentActivityTaskExecutions: 1,
    interceptors: {
      activity: [
        () => ({
          inbound: {
            execute(input, next) {
              if (Context.current().info.activityType === 'embedChunk') {
                taken.push((input.args[0] as EmbedChunkInput).dataset);
              }
              return next(input);
            },
          },
        }),
      ],
    },
  });
  await makeManyFiles(join(bench.folder, 'large'), LARGE);
  await makeManyFiles(join(bench.folder, 'small'), SMALL);
});

afterAll(() => bench?.stop());

const start = (source: string, options: { priority?: number; fairness_weight?: number } = {}) =>
  bench.startLoad({ dataset: bench.newDataset(), source: join(bench.folder, source), ...options });

/** Returns once the first chunk has been embedded. */
async function embedding(jobId: string): Promise<void> {
  for await (const { phases } of bench.watch(jobId)) if (phases.embedding.done > 0) return;
}

describe('one slot for embedding', () => {
  it('lets a small load of priority 1 pass a large one that was there first', async () => {
    const large = await start('large');
    await embedding(large.job_id);
    const small = await start('small', { priority: 1 });
    const [first, second] = await Promise.all([bench.wait(small.job_id), bench.wait(large.job_id)]);
    expect(first).toMatchObject({ state: 'completed', phases: { embedding: { done: SMALL } } });
    expect(second).toMatchObject({ state: 'completed', phases: { embedding: { done: LARGE } } });
    expect(Date.parse(first.finished_at ?? '')).toBeLessThan(Date.parse(second.finished_at ?? ''));
    // Chunks of the large load came later, so the order is not luck.
    const last = taken.lastIndexOf(small.dataset);
    expect(taken.slice(last + 1).filter((dataset) => dataset === large.dataset).length).toBeGreaterThan(1);
  });

  it('is shared by weight between two loads of one priority', async () => {
    taken.length = 0;
    const light = await start('large', { fairness_weight: 1 });
    const heavy = await start('large', { fairness_weight: 3 });
    await Promise.all([bench.wait(light.job_id), bench.wait(heavy.job_id)]);
    // Both had chunks waiting from the first chunk of the later load to the last chunk of the load that ended first.
    const from = Math.max(taken.indexOf(light.dataset), taken.indexOf(heavy.dataset));
    const to = Math.min(taken.lastIndexOf(light.dataset), taken.lastIndexOf(heavy.dataset));
    const contested = taken.slice(from, to + 1);
    const share = contested.filter((dataset) => dataset === heavy.dataset).length / contested.length;
    expect(share).toBeGreaterThan(0.6);
    expect(share).toBeLessThan(0.9);
  });
});
