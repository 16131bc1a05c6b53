import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WindowAnswer } from '../../activities/embedding.ts';
import type { JobStatus, WaitReason } from '../../contract/job.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { makePictures } from '../support/pictures.ts';
import { createStandIn } from '../support/stand-in-embedder.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const PICTURES = 1200;
/** Several seconds of work, which costs nothing. */
const PER_SECOND = 150;
const FEW = 40;

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['embedding'], plugin: { embedder: createStandIn({ perSecond: PER_SECOND }) } });
  await makePictures(join(bench.folder, 'pictures'), PICTURES);
  await makePictures(join(bench.folder, 'few'), FEW);
});

afterAll(() => bench?.stop());

const source = () => join(bench.folder, 'pictures');
const few = () => join(bench.folder, 'few');
const vectorsOf = (dataset: string) => collectionsOf(bench.store).embeddings.countDocuments({ dataset_id: dataset });

async function awaitWait(jobId: string, reason: WaitReason): Promise<JobStatus> {
  for await (const status of bench.watch(jobId)) {
    if (status.phases.embedding.waiting_for?.reason === reason) return status;
    if (status.finished_at !== null) break;
  }
  throw new Error(`The load never waited for ${reason}.`);
}

/** A worker for which the clock says what a test wants: the window opens and closes when it says so. */
function workerWithWindow(answer: (now: number) => Promise<WindowAnswer>): Promise<() => Promise<void>> {
  return bench.startWorker('indexing', {
    interceptors: {
      activity: [
        () => ({
          inbound: {
            async execute(input, next) {
              const [{ now }] = input.args as [{ now: number }];
              return Context.current().info.activityType === 'windowAt' ? answer(now) : next(input);
            },
          },
        }),
      ],
    },
  });
}

describe('with the real clock', () => {
  const clock = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16);
  let stopWorker: () => Promise<void>;

  beforeAll(async () => {
    stopWorker = await bench.startWorker('indexing');
  });

  afterAll(() => stopWorker());

  it.each(['2200-01-01T00:00:00Z', '2262-04-12T00:00:00Z', '9999-12-31T00:00:00Z'])(
    'is refused where it would not come in anybody’s time: %s',
    async (embed_at) => {
      const request = { dataset: bench.newDataset(), source: source(), embed_at };
      await expect(bench.startLoad(request)).rejects.toMatchObject({
        code: 'InvalidInput',
        message: 'embed_at must be before the year 2200: a load that waits longer is a mistake',
      });
    },
  );

  it('embeds nothing before its time, and all of it then', async () => {
    const dataset = bench.newDataset();
    // Late enough that indexing has ended by then.
    const embedAt = new Date(Date.now() + 12_000);
    const { job_id } = await bench.startLoad({ dataset, source: few(), embed_at: embedAt.toISOString() });
    const waiting = await awaitWait(job_id, 'time');
    expect(waiting.phases.embedding).toMatchObject({ state: 'waiting', waiting_for: { until: embedAt.toISOString() } });
    expect(waiting.phases.indexing.state).toBe('completed');
    const status = await bench.wait(job_id);
    expect(status).toMatchObject({ state: 'completed', phases: { embedding: { done: FEW } } });
    expect(Date.parse(status.phases.embedding.started_at ?? '')).toBeGreaterThanOrEqual(embedAt.getTime());
  });

  it('waits for a window that opens in twelve hours, says until when, and holds nothing', async () => {
    const dataset = bench.newDataset();
    const [opens, closes] = [clock(12), clock(13)];
    const { job_id } = await bench.startLoad({
      dataset,
      source: few(),
      embed_window: { start: opens, end: closes },
    });
    const status = await awaitWait(job_id, 'window');
    expect(status.phases.embedding.waiting_for?.until?.slice(11, 16)).toBe(opens);
    const embedding = bench.temporal.workflow.getHandle(`embed-${dataset}:built-in`);
    // The activity that recorded the wait ends a moment later.
    await expect.poll(async () => (await embedding.describe()).raw.pendingActivities ?? []).toEqual([]);
    expect(await embedding.query('status')).toMatchObject({
      phases: { embedding: { state: 'waiting', waiting_for: { reason: 'window' } } },
    });
    await bench.cancel(job_id);
    expect(await bench.wait(job_id)).toMatchObject({ state: 'canceled', phases: { embedding: { state: 'canceled' } } });
    expect(await vectorsOf(dataset)).toBe(0);
  });

  it('embeds at once in a window that is open', async () => {
    const dataset = bench.newDataset();
    const { job_id } = await bench.startLoad({
      dataset,
      source: few(),
      embed_window: { start: clock(-2), end: clock(2) },
    });
    expect(await bench.wait(job_id)).toMatchObject({ state: 'completed', phases: { embedding: { done: FEW } } });
  });

  it('refuses a time zone that does not exist before anything is indexed', async () => {
    const dataset = bench.newDataset();
    const embed_window = { start: '22:00', end: '06:00', time_zone: 'Mars/Olympus' };
    // The workflow is started as Temporal's own command would, because the client refuses the zone too.
    const handle = await bench.temporal.workflow.start('loadDataset', {
      taskQueue: bench.taskQueue,
      workflowId: `load-${dataset}`,
      args: [{ dataset, source: source(), embed_window }],
    });
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'UnknownTimeZone' } });
    expect(await collectionsOf(bench.store).datasets.findOne({ _id: dataset })).toBeNull();
  });
});

describe('a window that closes in the midst of the work', () => {
  it('stops it, and takes it up where it was when it opens again', async () => {
    const dataset = bench.newDataset();
    let hasClosed = false;
    let opensAgain = false;
    let openMs = 0;
    /** The window is open until something is embedded, then closed until the test has checked that, then open again. */
    const stopWorker = await workerWithWindow(async (now) => {
      hasClosed ||= (await vectorsOf(dataset)) > 0;
      if (opensAgain) return { open: true, reason: 'window', changes_at: now + 3_600_000 };
      if (hasClosed) return { open: false, reason: 'window', changes_at: now + 2000 };
      // The window is longer each time, so that even a slow machine embeds something.
      openMs += 2000;
      return { open: true, reason: 'window', changes_at: now + openMs };
    });
    try {
      const { job_id } = await bench.startLoad({
        dataset,
        source: source(),
        embed_window: { start: '22:00', end: '06:00' },
      });
      const seen: JobStatus[] = [];
      const closed = await awaitWait(job_id, 'window');
      const embedding = bench.temporal.workflow.getHandle(`embed-${dataset}:built-in`);
      await expect.poll(async () => (await embedding.describe()).raw.pendingChildren?.length ?? 0).toBe(0);
      const stored = await vectorsOf(dataset);
      expect(stored).toBeGreaterThan(0);
      expect(stored).toBeLessThan(PICTURES);
      expect(closed.phases.embedding.started_at).not.toBeNull();

      opensAgain = true;
      const status = await bench.wait(job_id, { onStatus: (s) => seen.push(s) });
      expect(status).toMatchObject({
        state: 'completed',
        phases: { embedding: { done: PICTURES, failed: 0, total: PICTURES } },
      });
      expect(await vectorsOf(dataset)).toBe(PICTURES);
      expect(status.phases.embedding.started_at).toBe(closed.phases.embedding.started_at);
      const done = seen.map(({ phases }) => phases.embedding.done);
      expect(done).toEqual(done.toSorted((a, b) => a - b));
      // The wait does not count as working time.
      const { since, until } = closed.phases.embedding.waiting_for ?? {};
      const waited = (Date.parse(until ?? '') - Date.parse(since ?? '')) / 1000;
      expect(waited).toBeGreaterThan(1);
      const { started_at, finished_at, rate, waited_seconds } = status.phases.embedding;
      expect(waited_seconds).toBeGreaterThan(waited - 0.2);
      const seconds = (Date.parse(finished_at ?? '') - Date.parse(started_at ?? '')) / 1000;
      expect(PICTURES / (rate ?? 0)).toBeCloseTo(seconds - waited_seconds, 1);
    } finally {
      await stopWorker();
    }
  });
});
