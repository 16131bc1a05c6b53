import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { memorySource } from '../../core/sources/memory/memory-source.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { linesMedium } from '../support/lines-medium.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const LINES = 3000;
const LINES_PER_SECOND = 100;

const memory = memorySource();
let bench: Workbench;
const workers: ChildProcess[] = [];

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'], plugin: { sources: [memory], media: [linesMedium()] } });
  const lines = Array.from({ length: LINES }, (_, n) => `line ${n}`).join('\n');
  memory.put('memory:/survivor/all.lines', new TextEncoder().encode(lines));
});

afterAll(async () => {
  for (const worker of workers) worker.kill('SIGKILL');
  await bench.stop();
});

async function startWorker(): Promise<ChildProcess> {
  const env = { ...process.env, TEMPORAL_ADDRESS: inject('temporalAddress'), MONGODB_URI: mongodbUri() };
  const args = [bench.embedTaskQueue, String(LINES_PER_SECOND)];
  const worker = fork(join(import.meta.dirname, '../support/stand-in-worker.ts'), args, { env });
  workers.push(worker);
  await once(worker, 'message');
  return worker;
}

/** The run's MongoDB, and the workbench's own database in it. */
function mongodbUri(): string {
  const uri = new URL(inject('mongodbUri'));
  uri.pathname = `/${collectionsOf(bench.store).jobs.dbName}`;
  return uri.href;
}

it('a worker that outlives another has work all the time, and the other’s is done again within seconds', async () => {
  const [lost, survivor] = [await startWorker(), await startWorker()];
  const dataset = bench.newDataset();
  const { job_id } = await bench.startLoad({ dataset, source: 'memory:/survivor', model: 'stand-in' });
  const embedding = bench.temporal.workflow.getHandle(`embed-${dataset}:stand-in`);
  const pending = async () => (await embedding.describe()).raw.pendingActivities ?? [];
  const identityOf = ({ pid }: ChildProcess) => new RegExp(`^${pid}@`);
  const heldBy = async (worker: ChildProcess) =>
    (await pending()).filter(
      ({ activityType, lastWorkerIdentity }) =>
        activityType?.name === 'embedChunk' && identityOf(worker).test(lastWorkerIdentity ?? ''),
    );
  for (const worker of [lost, survivor])
    await expect.poll(async () => (await heldBy(worker)).length).toBeGreaterThan(0);

  const held = (await heldBy(lost)).map(({ activityId }) => activityId);
  lost.kill('SIGKILL');
  const killedAt = Date.now();
  expect(await bench.wait(job_id)).toMatchObject({ state: 'completed', phases: { embedding: { done: LINES } } });

  const events = (await embedding.fetchHistory()).events ?? [];
  const activityOf = new Map(
    events.flatMap(({ eventId, activityTaskScheduledEventAttributes: scheduled }) =>
      scheduled ? [[String(eventId), scheduled.activityId] as const] : [],
    ),
  );
  const started = events.flatMap(({ eventTime, activityTaskStartedEventAttributes: attributes }) =>
    attributes === undefined || attributes === null
      ? []
      : [
          {
            activity: activityOf.get(String(attributes.scheduledEventId)),
            attempt: Number(attributes.attempt),
            atMs: Number(eventTime?.seconds) * 1000 + Number(eventTime?.nanos) / 1e6,
          },
        ],
  );
  const again = started.filter(({ activity, atMs }) => held.includes(activity) && atMs > killedAt);
  expect(again.length).toBeGreaterThan(0);
  const firstAgain = Math.min(...again.map(({ atMs }) => atMs));
  // The survivor began other chunks while nobody had missed the lost worker yet.
  const between = started.filter(({ atMs }) => atMs > killedAt && atMs < firstAgain);
  expect(between.length).toBeGreaterThan(0);
  expect(await collectionsOf(bench.store).embeddings.countDocuments({ dataset_id: dataset })).toBe(LINES);
});
