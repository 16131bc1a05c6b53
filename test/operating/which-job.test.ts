import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

// Without an embedding worker an embedding stays under way.
let bench: Workbench;
let source: string;

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
  source = join(bench.folder, 'pictures');
  await makePictures(source, 2);
});
afterAll(() => bench?.stop());

/** A dataset with an embedding under way, and a load that started after it and is over. */
async function embeddingBeforeLoad() {
  const dataset = bench.newDataset();
  await bench.load({ dataset, source, embed: false });
  const embedding = await bench.startEmbedding({ dataset });
  const load = await bench.load({ dataset, source, embed: false });
  expect(load.state).toBe('completed');
  return { dataset, embedding };
}

it("a dataset's name means the job that is not over, also where another started later", async () => {
  const { dataset, embedding } = await embeddingBeforeLoad();

  expect(await bench.pause(dataset)).toMatchObject({ job_id: embedding.job_id, state: 'paused' });
  expect(await bench.resume(dataset)).toMatchObject({ job_id: embedding.job_id, state: 'running' });
  expect(await bench.cancel(dataset)).toMatchObject({ job_id: embedding.job_id });

  expect((await bench.wait(embedding.job_id)).state).toBe('canceled');
});

it('several that are not over are named', async () => {
  const { dataset, embedding } = await embeddingBeforeLoad();
  const load = await bench.startLoad({ dataset, source, model: 'another' });
  await bench.wait(load.job_id, { for: 'browsable' });

  const paused = bench.pause(dataset);

  await expect(paused).rejects.toMatchObject({ code: 'AmbiguousJob' });
  await expect(paused).rejects.toThrow(`the embed ${embedding.job_id}`);
  await expect(paused).rejects.toThrow(`the load ${load.job_id}`);
});

it('one that is not on record yet is meant rather than one that is over', async () => {
  const dataset = bench.newDataset();
  await bench.load({ dataset, source, embed: false });
  // Another client starts the load, and no worker takes it.
  const workflowId = `load-${dataset}`;
  const { firstExecutionRunId } = await bench.temporal.workflow.start('loadDataset', {
    workflowId,
    taskQueue: `nobody-${dataset}`,
    args: [{ dataset, source }],
  });

  const canceled = await bench.cancel(dataset);

  expect(canceled).toMatchObject({ job_id: firstExecutionRunId });
  await bench.temporal.workflow.getHandle(workflowId).terminate();
});

it('where all are over, the latest is said to be', async () => {
  const dataset = bench.newDataset();
  const load = await bench.load({ dataset, source, embed: false });

  await expect(bench.cancel(dataset)).rejects.toMatchObject({
    code: 'JobEnded',
    message: expect.stringContaining(load.job_id),
  });
});
