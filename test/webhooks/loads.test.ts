import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTokens } from '../../api/auth/tokens.ts';
import { undeliveredLine } from '../../cli/undelivered-line.ts';
import { countUndelivered, listUndelivered } from '../../client/undelivered.ts';
import { FAILURES } from '../../contract/failures.ts';
import type { WebhookEvent } from '../../contract/options.ts';
import type { WebhookPayload } from '../../contract/webhook-payload.ts';
import { createToken } from '../../core/api-tokens.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { openTestApi } from '../api/support/open-api.ts';
import { makePictures } from '../support/pictures.ts';
import type { Workbench } from '../support/workbench.ts';
import { accept, verified } from './receiver.ts';
import { openWebhookBench, type WebhookBench } from './webhook-bench.ts';

let webhooks: WebhookBench;
let bench: Workbench;
let source: string;

beforeAll(async () => {
  webhooks = await openWebhookBench(
    (response, { path }) => {
      if (path === '/broken') response.writeHead(500).end();
      else if (path !== '/never') accept(response);
    },
    ['indexing', 'embedding'],
  );
  ({ bench } = webhooks);
  source = join(bench.folder, 'pictures');
  await makePictures(source, 12);
});
afterAll(() => webhooks.stop());

const to = (path: string) => [{ url: `${webhooks.receiver.origin}${path}` }];
/** Returns the payloads sent to a path, in the order of their events. Deliveries do not wait for each other. */
const told = (path: string): WebhookPayload[] =>
  webhooks.receiver.received
    .filter((request) => request.path === path)
    .map((request) => verified(request))
    .sort((a, b) => a.timestamp.localeCompare(b.timestamp));
const untilTold = (path: string, types: WebhookEvent[]) => expect.poll(() => toldTypes(path)).toEqual(types);
const toldTypes = (path: string) => told(path).map(({ type }) => type);

describe('a load with a webhook', () => {
  it('tells when the dataset is browsable, and then when it is ready', async () => {
    const dataset = bench.newDataset();
    const { job_id } = await bench.load({ dataset, source, webhooks: to('/both') });
    await untilTold('/both', ['dataset.browsable', 'dataset.ready']);

    const [browsable, ready] = told('/both');
    expect(browsable?.data).toMatchObject({
      job_id,
      dataset,
      kind: 'load',
      state: 'running',
      phases: { indexing: { state: 'completed', done: 12, failed: 0, total: 12 } },
      error: null,
    });
    expect(ready?.data).toMatchObject({
      job_id,
      state: 'completed',
      phases: { embedding: { state: 'completed', done: 12, failed: 0, total: 12 } },
      model_key: expect.stringMatching(/^color-gradient-grid@/),
    });
    expect(Date.parse(ready?.timestamp ?? '')).toBeGreaterThan(Date.parse(browsable?.timestamp ?? ''));
  });

  it('is known to have told nobody yet, and why, where the receiver accepts nothing', async () => {
    const { job_id } = await bench.load({ dataset: bench.newDataset(), source, embed: false, webhooks: to('/broken') });
    const heard = await bench.load({ dataset: bench.newDataset(), source, embed: false, webhooks: to('/heard') });
    await untilTold('/heard', ['dataset.browsable']);

    await expect.poll(() => countUndelivered(bench.temporal, job_id)).toBe(1);
    await expect.poll(() => countUndelivered(bench.temporal, heard.job_id)).toBe(0);
    const api = await openTestApi(bench.store);
    const deliveries = async (job: string) => (await api.get(`/api/jobs/${job}/webhooks`)).json;
    const reason = {
      code: 'WebhookNotAccepted',
      message: `${webhooks.receiver.origin} answered 500 (Internal Server Error).`,
    };
    await expect
      .poll(() => deliveries(job_id))
      .toEqual({
        undelivered: 1,
        messages: [
          {
            event: 'dataset.browsable',
            webhook: 0,
            state: 'pending',
            attempt: expect.any(Number),
            next_attempt_at: expect.stringMatching(/^\d{4}-.*Z$/),
            error: reason,
          },
        ],
      });
    expect(await deliveries(heard.job_id)).toEqual({ undelivered: 0, messages: [] });
    // The reason may name an address of the network.
    const reader = createToken('read');
    const tokens = await readTokens({ PLIMSOLL_API_TOKENS: reader.line });
    const guarded = await openTestApi(bench.store, { tokens });
    const shown = await guarded.get(`/api/jobs/${job_id}/webhooks`, { authorization: `Bearer ${reader.token}` });
    expect(shown.json.messages[0].error).toEqual({
      code: 'WebhookNotAccepted',
      message: FAILURES.WebhookNotAccepted.meaning,
    });
    await guarded.close();
    const [pending] = await listUndelivered(bench.temporal, job_id, 5);
    expect(pending && undeliveredLine(pending)).toMatch(
      /^dataset\.browsable to webhook 0: http:\S+ answered 500 \(Internal Server Error\)\. Attempt \d+ /,
    );
    await bench.temporal.workflow.getHandle(`webhook-${job_id}/dataset.browsable/0`).terminate();
    await expect
      .poll(() => deliveries(job_id))
      .toMatchObject({ undelivered: 1, messages: [{ state: 'ended', attempt: null, next_attempt_at: null }] });
    await api.close();
  });

  it('that only embeds tells when the dataset is ready', async () => {
    const dataset = bench.newDataset();
    await bench.load({ dataset, source, embed: false, webhooks: to('/indexed') });
    const { job_id } = await bench.embed({ dataset, webhooks: to('/embedded') });
    await untilTold('/embedded', ['dataset.ready']);
    expect(told('/embedded')[0]?.data).toMatchObject({ job_id, kind: 'embed', state: 'completed' });
    expect(toldTypes('/indexed')).toEqual(['dataset.browsable']);
  });

  it('tells that it failed, and why', async () => {
    const dataset = bench.newDataset();
    const missing = join(bench.folder, 'nowhere');
    const { job_id } = await bench.load({ dataset, source: missing, webhooks: to('/failed') });
    await untilTold('/failed', ['job.failed']);
    expect(told('/failed')[0]?.data).toMatchObject({
      job_id,
      state: 'failed',
      error: { code: 'SourceNotFound', message: expect.stringContaining(missing) },
    });
  });

  it('tells that it was canceled, and how far it had come', async () => {
    const request = { dataset: bench.newDataset(), source, embed_task_queue: 'nobody-polls-this' };
    const { job_id } = await bench.startLoad({ ...request, webhooks: to('/canceled') });
    for await (const { phases } of bench.watch(job_id)) if (phases.embedding.state === 'waiting') break;
    await bench.cancel(job_id, { reason: 'enough seen' });
    await bench.wait(job_id);
    await untilTold('/canceled', ['dataset.browsable', 'job.canceled']);
    expect(told('/canceled')[1]?.data).toMatchObject({
      state: 'canceled',
      phases: { indexing: { state: 'completed', done: 12 }, embedding: { state: 'canceled', done: 0 } },
    });
  });

  it.each([
    [
      'a secret that the worker does not know',
      { url: 'https://example.com/', secret: 'unheard-of' },
      'UnknownWebhookSecret',
    ],
    ['an address of this machine', { url: 'http://127.0.0.1:9/' }, 'WebhookTargetRefused'],
    ['an address of the cloud’s own', { url: 'https://169.254.169.254/latest/' }, 'WebhookTargetRefused'],
  ])('fails before anything is indexed with %s', async (_, webhook, code) => {
    const dataset = bench.newDataset();
    const status = await bench.load({ dataset, source, webhooks: [webhook] });
    expect(status).toMatchObject({ state: 'failed', error: { code } });
    expect(await collectionsOf(bench.store).samples.countDocuments({ dataset_id: dataset })).toBe(0);
    expect(await collectionsOf(bench.store).datasets.findOne({ _id: dataset })).toBeNull();
  });

  it('that fails for one of its webhooks tells the others', async () => {
    const both = [...to('/other'), { url: 'https://10.0.0.1/' }];
    const { job_id } = await bench.load({ dataset: bench.newDataset(), source, webhooks: both });
    await untilTold('/other', ['job.failed']);
    expect(told('/other')[0]?.data).toMatchObject({ job_id, error: { code: 'WebhookTargetRefused' } });
    // The job does not wait for the refused delivery.
    const toRefused = bench.temporal.workflow.getHandle(`webhook-${job_id}/job.failed/1`);
    expect(await toRefused.result()).toEqual({ outcome: 'refused', status: null });
    await expect.poll(() => countUndelivered(bench.temporal, job_id)).toBe(0);
  });

  it.each([
    'https://user:password@example.com/',
    'https:////user:password@example.com/',
    'ftp://example.com/',
    'example.com',
    'file:///etc/passwd',
    'https://',
  ])('is not begun with %s, which is no address to post to', async (url) => {
    const request = { dataset: bench.newDataset(), source, webhooks: [{ url }] };
    await expect(bench.startLoad(request)).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('webhooks.0.url'),
    });
  });

  it('is not held up by a receiver that never answers', async () => {
    const status = await bench.load({ dataset: bench.newDataset(), source, webhooks: to('/never') });
    expect(status.state).toBe('completed');
    const delivery = bench.temporal.workflow.getHandle(`webhook-${status.job_id}/dataset.browsable/0`);
    expect((await delivery.describe()).status.name).toBe('RUNNING');
  });
});
