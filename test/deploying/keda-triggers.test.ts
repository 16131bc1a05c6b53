import { join } from 'node:path';
import { BSON } from 'mongodb';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { unlessAborted } from '../../core/concurrency/abort.ts';
import { createEmbedder } from '../../inference/embedder.ts';
import { settingsFromEnvironment } from '../../inference/settings.ts';
import { ACTIVITY_TASKS } from '../../temporal/task-queues.ts';
import { makePictures } from '../support/pictures.ts';
import { Unavailable } from '../support/wheel-file.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { openChart } from './chart.ts';

let bench: Workbench;
/** The query of KEDA's second trigger, as the chart renders it. */
let query: BSON.Document;
let missing: string | undefined;

const inference = createEmbedder(settingsFromEnvironment(process.env));
const working = Promise.withResolvers<void>();
const gate = Promise.withResolvers<void>();
const embedder: typeof inference = {
  ...inference,
  async embed(...request) {
    const { signal, onSignOfLife } = request[3] ?? {};
    working.resolve();
    // A device that is silent has its task taken away only after a minute, even by a pause.
    const signs = setInterval(() => onSignOfLife?.(), 100);
    await unlessAborted(gate.promise, signal).finally(() => clearInterval(signs));
    return inference.embed(...request);
  },
};

beforeAll(async () => {
  try {
    const chart = await openChart();
    const { objects } = await chart.render(['smallest'], { embedding: { autoscaling: { enabled: true } } });
    const { spec } = objects.find(({ kind }) => kind === 'ScaledObject');
    query = BSON.EJSON.parse(spec.triggers[1].metadata.query);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    missing = error.message;
    return;
  }
  bench = await openWorkbench({ roles: ['indexing'], plugin: { embedder } });
});
beforeEach(({ skip }) => skip(missing !== undefined, `KEDA's triggers are not tested: ${missing}`));
afterAll(async () => {
  gate.resolve();
  await bench?.stop();
  await inference.close();
});

/** The tasks that wait, without those that a worker has taken: KEDA's Temporal scaler reads this number. */
async function backlog(): Promise<number> {
  const { stats } = await bench.temporal.workflowService.describeTaskQueue({
    namespace: 'default',
    taskQueue: { name: bench.embedTaskQueue },
    taskQueueType: ACTIVITY_TASKS,
    reportStats: true,
  });
  return Number(stats?.approximateBacklogCount ?? 0);
}

const embeddingJobs = () => bench.store.client.db(bench.store.database).collection('jobs').countDocuments(query);

it('the triggers start a worker from zero, keep it while it has all tasks, and let it go', async () => {
  const dataset = bench.newDataset();
  const source = join(bench.folder, 'pictures');
  await makePictures(source, 4);
  expect(await embeddingJobs()).toBe(0);

  const { job_id } = await bench.startLoad({ dataset, source });
  await expect.poll(backlog).toBeGreaterThan(0);

  await bench.startWorker('embedding');
  await working.promise;
  // The worker has the only task: the backlog alone would end it.
  await expect.poll(backlog).toBe(0);
  await expect.poll(embeddingJobs).toBe(1);

  await bench.pause(dataset);
  expect(await embeddingJobs()).toBe(0);

  gate.resolve();
  await bench.resume(dataset);
  expect(await bench.wait(job_id)).toMatchObject({ state: 'completed' });
  expect(await embeddingJobs()).toBe(0);
  expect(await backlog()).toBe(0);
});
