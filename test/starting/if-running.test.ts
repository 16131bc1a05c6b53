import { dirname, join } from 'node:path';
import { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { LOAD } from '../../client/job-types.ts';
import { createPlimsollClient } from '../../client/plimsoll-client.ts';
import { startJob } from '../../client/start.ts';
import { makePictures } from '../support/pictures.ts';
import { watchedConnection } from '../support/watched-connection.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

// Without an embedding worker a load stays in its second phase, and without an indexing worker it never begins.
let bench: Workbench;
let workerless: Workbench;
let source: string;

beforeAll(async () => {
  [bench, workerless] = await Promise.all([openWorkbench({ roles: ['indexing'] }), openWorkbench({ roles: [] })]);
  source = join(bench.folder, 'pictures');
  await makePictures(source, 5);
});
afterAll(() => Promise.all([bench?.stop(), workerless?.stop()]));

const running = async (dataset: string) => {
  const job = await bench.startLoad({ dataset, source });
  await bench.wait(job.job_id, { for: 'browsable' });
  return job;
};

const runningRuns = async (workflowId: string) => {
  const { status, raw } = await bench.temporal.workflow.getHandle(workflowId).describe();
  return status.name === 'RUNNING' ? raw.workflowExecutionInfo?.firstRunId : undefined;
};

describe('a second load while one runs', () => {
  it('fails unless told otherwise, naming the job that runs', async () => {
    const first = await running(bench.newDataset());

    const second = bench.startLoad({ dataset: first.dataset, source });

    await expect(second).rejects.toMatchObject({
      code: 'AlreadyRunning',
      job: { job_id: first.job_id },
      kind: 'load',
      message: expect.stringContaining(first.job_id),
    });
    await expect(bench.startLoad({ dataset: first.dataset, source }, { ifRunning: 'fail' })).rejects.toThrow(
      'A load of',
    );
  });

  describe('attach', () => {
    it('returns the job that runs, and says so', async () => {
      const first = await running(bench.newDataset());

      const second = await bench.startLoad({ dataset: first.dataset, source: `${source}/` }, { ifRunning: 'attach' });

      expect(first.attached).toBe(false);
      expect(second).toEqual({ ...first, attached: true });
    });

    it('starts one where none runs', async () => {
      const job = await bench.startLoad({ dataset: bench.newDataset(), source, embed: false }, { ifRunning: 'attach' });

      expect(job.attached).toBe(false);
      expect((await bench.wait(job.job_id)).state).toBe('completed');
    });

    it('is refused where the running load is of another folder', async () => {
      const first = await running(bench.newDataset());

      const second = bench.startLoad({ dataset: first.dataset, source: bench.folder }, { ifRunning: 'attach' });

      await expect(second).rejects.toMatchObject({ code: 'AlreadyRunning', message: expect.stringContaining(source) });
    });

    it('is refused where the running job names another folder', async () => {
      const dataset = bench.newDataset();
      await bench.load({ dataset, source, embed: false });
      const ifRunning = 'attach';
      // No worker polls its queue, so the forget stays running throughout the test.
      const unheard = createPlimsollClient({ ...bench, taskQueue: workerless.taskQueue });
      const forget = await unheard.forget({ dataset, source });

      expect(await bench.forget({ dataset, source: `${source}/` }, { ifRunning })).toEqual({
        ...forget,
        attached: true,
      });
      await expect(bench.forget({ dataset, source: dirname(source) }, { ifRunning })).rejects.toMatchObject({
        code: 'AlreadyRunning',
        message: expect.stringContaining(`Its source is another folder, ${source}.`),
      });
    });

    it('is refused where the running job is of another kind', async () => {
      const dataset = bench.newDataset();
      const workflowId = `load-${dataset}`;
      // No worker polls its queue, so the prune stays running throughout the test.
      const prune = await bench.temporal.workflow.start('pruneDataset', {
        workflowId,
        taskQueue: workerless.taskQueue,
        args: [{ dataset }],
      });

      const load = bench.startLoad({ dataset, source }, { ifRunning: 'attach' });

      await expect(load).rejects.toMatchObject({
        code: 'AlreadyRunning',
        kind: 'prune',
        message: expect.stringContaining(`A prune of ${dataset} is running already: job ${prune.firstExecutionRunId}`),
      });
    });

    it('of an embedding to the load that it is a phase of', async () => {
      const load = await running(bench.newDataset());
      const embedding = bench.temporal.workflow.getHandle(`embed-${load.dataset}:built-in`);
      await expect
        .poll(() =>
          embedding.describe().then(
            ({ status }) => status.name,
            () => 'none',
          ),
        )
        .toBe('RUNNING');

      const job = await bench.startEmbedding({ dataset: load.dataset }, { ifRunning: 'attach' });

      expect(job).toEqual({ ...load, attached: true });
    });
  });

  describe('replace', () => {
    it('cancels the job that runs and takes its place', async () => {
      const first = await running(bench.newDataset());

      const second = await bench.startLoad({ dataset: first.dataset, source, embed: false }, { ifRunning: 'replace' });

      expect(second.job_id).not.toBe(first.job_id);
      expect((await bench.wait(second.job_id)).state).toBe('completed');
      expect(await bench.status(first.job_id)).toMatchObject({
        state: 'canceled',
        phases: { indexing: { state: 'completed', done: 5 } },
      });
    });

    it('terminates a job whose cancel no worker hears, and its record says what became of it', async () => {
      const request = { dataset: workerless.newDataset(), source };
      const first = await workerless.startLoad(request);

      const second = await workerless.startLoad(request, { ifRunning: 'replace', heardWithinMs: 300 });

      expect(await workerless.status(first.job_id)).toMatchObject({ state: 'canceled', error: { code: 'Replaced' } });
      expect(await workerless.status(second.job_id)).toMatchObject({ state: 'queued' });
      expect(await runningRuns(second.workflow_id)).toBe(second.job_id);
    });

    it('two at once end with one job running and a clear answer for each', async () => {
      const first = await running(bench.newDataset());
      const replace = () => bench.startLoad({ dataset: first.dataset, source }, { ifRunning: 'replace' });

      const answers = await Promise.allSettled([replace(), replace()]);

      const started = answers.filter((answer) => answer.status === 'fulfilled').map(({ value }) => value.job_id);
      const refused = answers.filter((answer) => answer.status === 'rejected').map(({ reason }) => reason);
      const now = await runningRuns(first.workflow_id);
      // The later request may come after the earlier one has ended, and then replaces the job that it started.
      expect(started).toContain(now);
      expect(started.length + refused.length).toBe(2);
      for (const error of refused) expect(error).toMatchObject({ code: 'AlreadyRunning', job: { job_id: now } });
      expect((await bench.status(first.job_id)).state).toBe('canceled');
    });

    it.each([
      ['deletion', 'deleteDataset', 'delete', {}],
      ['relocate', 'relocateDataset', 'relocate', { from: '/old', to: '/new' }],
    ])('does not break a %s off', async (_, workflow, kind, more) => {
      const dataset = bench.newDataset();
      const job = await bench.temporal.workflow.start(workflow, {
        workflowId: `load-${dataset}`,
        taskQueue: workerless.taskQueue,
        args: [{ dataset, ...more }],
      });

      const load = bench.startLoad({ dataset, source }, { ifRunning: 'replace' });

      await expect(load).rejects.toMatchObject({ code: 'AlreadyRunning', kind });
      expect(await runningRuns(job.workflowId)).toBe(job.firstExecutionRunId);
    });
  });
});

describe('a server that takes its time to tell that a job has ended', () => {
  it('is asked again, and not without a pause', async () => {
    const { dataset, workflow_id } = await workerless.startLoad({ dataset: workerless.newDataset(), source });
    let starts = 0;
    let describes = 0;
    const connection = await watchedConnection(inject('temporalAddress'), {
      onAsk(rpc) {
        if (rpc === 'StartWorkflowExecution') starts += 1;
      },
      onAnswer(rpc, status) {
        if (rpc !== 'DescribeWorkflowExecution') return status;
        describes += 1;
        return describes > 5 ? status : { ...status, code: 5, details: 'not found' };
      },
    });
    try {
      const temporal = new Client({ connection });
      const { store, taskQueue } = workerless;
      const begun = performance.now();
      const second = startJob({ temporal, store, taskQueue }, LOAD, { dataset, source });
      await expect(second).rejects.toMatchObject({ code: 'AlreadyRunning' });
      expect(starts).toBe(6);
      expect(performance.now() - begun).toBeGreaterThan(400);
      await temporal.workflow.getHandle(workflow_id).terminate();
    } finally {
      await connection.close();
    }
  });
});

describe('the priority of a job', () => {
  const priorityOf = async (job: { workflow_id: string }) =>
    (await workerless.temporal.workflow.getHandle(job.workflow_id).describe()).priority;

  it('goes to Temporal with its key and weight', async () => {
    const request = { dataset: workerless.newDataset(), source, priority: 1, fairness_key: 'team', fairness_weight: 2 };

    const job = await workerless.startLoad(request);

    expect(await priorityOf(job)).toEqual({ priorityKey: 1, fairnessKey: 'team', fairnessWeight: 2 });
  });

  it('is shared out between datasets unless told otherwise', async () => {
    const job = await workerless.startLoad({ dataset: workerless.newDataset(), source });

    expect(await priorityOf(job)).toMatchObject({ fairnessKey: job.dataset });
  });
});

describe('what is wrong with a request is said before anything starts', () => {
  it('a time zone that does not exist, and which one may be meant', async () => {
    const dataset = bench.newDataset();
    const window = { start: '22:00', end: '06:00', time_zone: 'Europa/Zurich' };

    const start = bench.startLoad({ dataset, source, embed_window: window });

    await expect(start).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringMatching(/^embed_window\.time_zone: "Europa\/Zurich".*Europe\/Zurich/),
    });
    await expect(bench.status(dataset)).rejects.toMatchObject({ code: 'JobNotFound' });
  });

  it('a window of zero length', async () => {
    const window = { start: '22:00', end: '22:00' };

    const start = bench.startLoad({ dataset: bench.newDataset(), source, embed_window: window });

    await expect(start).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('zero length'),
    });
  });
});
