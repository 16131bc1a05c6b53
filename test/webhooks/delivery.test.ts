import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WebhookDelivery } from '../../activities/webhooks.ts';
import type { JobStatus } from '../../contract/job.ts';
import type { Webhook } from '../../contract/options.ts';
import { payloadOf } from '../../contract/webhook-payload.ts';
import type { DeliverWebhookInput } from '../../workflows/deliver-webhook.ts';
import { accept, type Receiver, SECRET, verified } from './receiver.ts';
import { OTHER_SECRET, openWebhookBench, type WebhookBench } from './webhook-bench.ts';

let webhooks: WebhookBench;
let receiver: Receiver;
/** Starts a worker and returns what ends it. */
let startWorker: () => Promise<() => Promise<void>>;
let stopWorker: () => Promise<void>;
/** Answers that wait for `release`. */
const held: ServerResponse[] = [];
const keep = (response: ServerResponse) => void held.push(response);
const release = () => {
  hold = accept;
  held.splice(0).forEach(accept);
};
let hold = keep;

beforeAll(async () => {
  const tries = new Map<string, number>();
  // `/500-3/NAME` answers 500 three times before it accepts.
  webhooks = await openWebhookBench((response, request) => {
    const [, status, times] = /^\/(\d+)-(\d+)\//.exec(request.path) ?? [];
    const n = (tries.get(request.path) ?? 0) + 1;
    tries.set(request.path, n);
    if (request.path.startsWith('/held/')) return hold(response);
    if (status === undefined || n > Number(times)) return accept(response);
    response.writeHead(Number(status), { 'retry-after': '1', location: 'http://169.254.169.254/' }).end();
  });
  ({ receiver } = webhooks);
  const workflowsPath = fileURLToPath(new URL('./announcing.ts', import.meta.url));
  const workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  startWorker = () => webhooks.bench.startWorker('indexing', { workflowBundle });
  stopWorker = await startWorker();
});
afterAll(() => webhooks.stop());

const statusOf = (job_id: string): JobStatus => {
  const phase = { state: 'completed', done: 7, failed: 1, total: 8, total_known: true } as const;
  const untold = {
    rate: null,
    seconds_left: null,
    still_since: null,
    waited_seconds: 0,
    waiting_for: null,
    started_at: null,
    finished_at: null,
  };
  return {
    job_id,
    workflow_id: 'load-cats',
    kind: 'load',
    dataset: 'cats',
    state: 'running',
    retrying: null,
    paused_at: null,
    phases: { indexing: { ...phase, ...untold }, embedding: { ...phase, ...untold } },
    error: null,
    request: { source: '/data/cats' },
    started_at: null,
    finished_at: null,
  };
};

const BUSY = 'Others are being sent.';

/** Starts a delivery to a path. */
function startDelivery(path: string, change: Partial<DeliverWebhookInput> = {}) {
  const job_id = randomUUID();
  const payload = payloadOf('dataset.browsable', statusOf(job_id), new Date('2026-01-31T10:00:00Z'));
  const input = { job_id, event: 'dataset.browsable', url: `${receiver.origin}${path}`, secret: 'default', payload };
  return webhooks.bench.temporal.workflow.start('deliverWebhook', {
    taskQueue: webhooks.bench.taskQueue,
    workflowId: `webhook-${job_id}/dataset.browsable/0`,
    args: [{ ...input, ...change }],
  });
}
const deliver = async (...delivery: Parameters<typeof startDelivery>): Promise<WebhookDelivery> =>
  (await startDelivery(...delivery)).result();
const at = (path: string) => receiver.received.filter((request) => request.path === path);

/** Returns Temporal's record of a delivery that has not ended. */
const pendingOf = async (handle: WorkflowHandle) => (await handle.describe()).raw.pendingActivities?.[0];

/** Waits until the last try of a delivery failed with this error type. */
const untilRefused = (handle: WorkflowHandle, type: string) =>
  expect.poll(async () => (await pendingOf(handle))?.lastFailure?.applicationFailureInfo?.type).toBe(type);

describe('the delivery of a webhook', () => {
  it('comes signed, with what happened, and ends with the answer', async () => {
    expect(await deliver('/once')).toEqual({ outcome: 'delivered', status: 204 });
    const [one] = at('/once');
    expect(one && verified(one)).toEqual({
      type: 'dataset.browsable',
      timestamp: '2026-01-31T10:00:00.000Z',
      data: {
        job_id: expect.any(String),
        workflow_id: 'load-cats',
        dataset: 'cats',
        kind: 'load',
        state: 'running',
        phases: {
          indexing: { state: 'completed', done: 7, failed: 1, total: 8 },
          embedding: { state: 'completed', done: 7, failed: 1, total: 8 },
        },
        model_key: null,
        error: null,
      },
    });
  });

  it.concurrent.each([500, 404, 302, 429])(
    'is tried again after an answer of %i, with the same id and body at a new time',
    async (status) => {
      const path = `/${status}-2/again`;
      expect(await deliver(path)).toMatchObject({ outcome: 'delivered' });
      const received = at(path);
      expect(received).toHaveLength(3);
      for (const one of received) verified(one);
      expect(new Set(received.map(({ id }) => id)).size).toBe(1);
      expect(new Set(received.map(({ body }) => body)).size).toBe(1);
      expect(new Set(received.map(({ timestamp }) => timestamp)).size).toBe(3);
    },
  );

  it('ends in peace when the receiver is gone', async () => {
    expect(await deliver('/410-9/gone')).toEqual({ outcome: 'gone', status: 410 });
    expect(at('/410-9/gone')).toHaveLength(1);
  });

  it('has an id without a dot, which separates the parts of what is signed', async () => {
    await deliver('/id');
    expect(at('/id')[0]?.id).toMatch(/^[0-9a-f-]{36}_dataset-browsable$/);
  });

  it.each([
    ['https://127.0.0.1/', 'WebhookTargetRefused'],
    ['https://169.254.169.254/latest/meta-data/', 'WebhookTargetRefused'],
    ['https://localhost/', 'WebhookTargetRefused'],
  ])('to %s is not made, and kept for when the worker allows it', async (url, type) => {
    const handle = await startDelivery('/', { url });
    await untilRefused(handle, type);
    expect((await handle.describe()).status.name).toBe('RUNNING');
    await handle.terminate();
  });

  it('outlives a file of secrets that is half written, then one without its own', async () => {
    await webhooks.writeSecrets(`{"default": "${SECRET}`);
    const handle = await startDelivery('/signed-later');
    await untilRefused(handle, 'InvalidWebhookSecrets');
    await webhooks.writeSecrets(JSON.stringify({ other: OTHER_SECRET }));
    await untilRefused(handle, 'UnknownWebhookSecret');
    expect(at('/signed-later')).toEqual([]);
    await webhooks.writeSecrets();
    expect(await handle.result()).toEqual({ outcome: 'delivered', status: 204 });
  });

  it('ends in peace where it would tell a webhook that the job failed because it is refused', async () => {
    const status: JobStatus = { ...statusOf(randomUUID()), state: 'failed' };
    const error = { code: 'UnknownWebhookSecret', message: 'webhooks: …' };
    const payload = payloadOf('job.failed', { ...status, error }, new Date());
    expect(await deliver('/refused', { event: 'job.failed', secret: 'unheard-of', payload })).toEqual({
      outcome: 'refused',
      status: null,
    });
    expect(at('/refused')).toEqual([]);
  });

  it('says where it stands while the receiver does not answer as it should, and nothing of the URL’s query', async () => {
    const handle = await startDelivery('/503-999/down?token=geheim');
    await expect.poll(() => at('/503-999/down?token=geheim').length).toBeGreaterThan(1);
    const { raw } = await handle.describe();
    const [pending] = raw.pendingActivities ?? [];
    expect(pending?.lastFailure?.message).toBe(`${receiver.origin} answered 503 (Service Unavailable).`);
    await handle.terminate();
  });

  it('makes one try of a receiver at a time in one worker, and holds none of another’s up', async () => {
    const deliveries = await Promise.all(Array.from({ length: 6 }, () => startDelivery('/held/long')));
    await expect.poll(() => held.length).toBe(1);
    const countBusy = async () => {
      const descriptions = await Promise.all(deliveries.map((handle) => handle.describe()));
      return descriptions.filter(({ raw }) => raw.pendingActivities?.[0]?.lastFailure?.message === BUSY).length;
    };
    await expect.poll(countBusy).toBe(5);

    const others = ['/held/1', '/held/2', '/held/3', '/held/4', '/held/5'];
    deliveries.push(...(await Promise.all(others.map((path) => startDelivery(path)))));
    await expect.poll(() => held.length).toBe(6);
    expect(await deliver('/well')).toMatchObject({ outcome: 'delivered' });
    expect(held).toHaveLength(6);

    release();
    for (const handle of deliveries) expect(await handle.result()).toMatchObject({ outcome: 'delivered' });
  });

  it('is tried again within a minute where a try ends without a word, however often it was tried', async () => {
    const delivery = await startDelivery('/500-4/silent');
    await expect.poll(() => at('/500-4/silent').length).toBe(4);
    // The try that begins now hangs for longer than Temporal waits for one.
    const thaw = webhooks.freeze();
    const timedOut = async () => (await pendingOf(delivery))?.lastFailure?.timeoutFailureInfo;
    await expect.poll(timedOut).toBeTruthy();
    const pending = await pendingOf(delivery);
    expect(pending?.attempt).toBeGreaterThan(5);
    const seconds = (time: { seconds?: unknown } | null | undefined) => Number(time?.seconds);
    expect(seconds(pending?.nextAttemptScheduleTime) - seconds(pending?.lastAttemptCompleteTime)).toBeLessThan(60);
    thaw();
    expect(await delivery.result()).toMatchObject({ outcome: 'delivered' });
  });

  it('goes on in another worker, at once, when a deploy stops the one that waits for an answer', async () => {
    hold = keep;
    const delivery = await startDelivery('/held/deploy');
    await expect.poll(() => held.length).toBe(1);
    await stopWorker();
    const { raw } = await delivery.describe();
    expect(raw.pendingActivities?.[0]?.lastFailure?.message).toBe('The worker has stopped.');
    release();
    stopWorker = await startWorker();
    expect(await delivery.result()).toMatchObject({ outcome: 'delivered' });
    const ids = at('/held/deploy').map(({ id }) => id);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });
});

describe('an announcement', () => {
  it('is delivered once to each webhook that wants the event, whatever becomes of who made it', async () => {
    const url = (path: string) => `${receiver.origin}${path}`;
    const wanting: Webhook[] = [
      { url: url('/all'), secret: 'default' },
      { url: url('/canceled'), secret: 'other', events: ['job.canceled'] },
      { url: url('/none'), secret: 'default', events: ['job.failed'] },
    ];
    const { bench } = webhooks;
    const job_id = randomUUID();
    const handle = await bench.temporal.workflow.start('announcing', {
      taskQueue: bench.taskQueue,
      workflowId: `announcing-${job_id}`,
      args: [wanting, statusOf(job_id)],
    });
    await handle.result();
    const ids = ['dataset.browsable/0', 'job.canceled/0', 'job.canceled/1'].map((rest) => `webhook-${job_id}/${rest}`);
    for (const id of ids)
      expect(await bench.temporal.workflow.getHandle(id).result()).toMatchObject({ outcome: 'delivered' });

    expect(
      at('/all')
        .map((one) => verified(one).type)
        .sort(),
    ).toEqual(['dataset.browsable', 'job.canceled']);
    expect(at('/canceled').map((one) => verified(one, OTHER_SECRET).type)).toEqual(['job.canceled']);
    expect(at('/none')).toEqual([]);
  });
});
