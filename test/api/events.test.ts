import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiEnv } from '../../api/context.ts';
import { createFeed } from '../../api/events/feed.ts';
import { createStreams } from '../../api/events/streams.ts';
import { type RunningApi, startApi } from '../../api/start-server.ts';
import { LOAD_WORKFLOW } from '../../contract/names.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { clearRetrying, noteRetrying } from '../../core/store/retried-activities.ts';
import { until } from '../support/patience.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { openTestApi, settingsFor, type TestApi, uriOf } from './support/open-api.ts';
import { type ReadEvent, readEvents } from './support/read-events.ts';

let bench: Workbench;
let api: TestApi;
let photos: string;

beforeAll(async () => {
  bench = await openWorkbench();
  api = await openTestApi(bench.store);
  photos = `${bench.folder}/photos`;
  await makePictures(photos, 40);
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

/** A load that no worker takes up, with a record as if one did. */
async function recordJob(dataset: string): Promise<string> {
  const workflowId = `load-${dataset}`;
  const { firstExecutionRunId } = await bench.temporal.workflow.start(LOAD_WORKFLOW, {
    taskQueue: `${bench.taskQueue}-nobody`,
    workflowId,
    args: [{ dataset, source: photos }],
  });
  const phase = { state: 'running' as const, done: 0, failed: 0, total: 100, total_known: true };
  await collectionsOf(bench.store).jobs.insertOne({
    _id: firstExecutionRunId,
    kind: 'load',
    dataset_id: dataset,
    workflow_id: workflowId,
    request: { dataset },
    state: 'running',
    phases: { indexing: phase, embedding: { ...phase, state: 'pending' } },
    started_at: new Date(),
  });
  return firstExecutionRunId;
}

const advance = (job: string, done: number) =>
  collectionsOf(bench.store).jobs.updateOne({ _id: job }, { $set: { 'phases.indexing.done': done } });

async function open(path: string, headers: Record<string, string> = {}): Promise<AsyncGenerator<ReadEvent>> {
  const { status, response } = await api.get(path, headers);
  expect(status).toBe(200);
  return readEvents(response);
}

const next = async (events: AsyncGenerator<ReadEvent>): Promise<ReadEvent> => (await events.next()).value as ReadEvent;

describe('the stream of a job', () => {
  test('tells of a real load from beginning to end, and ends', async () => {
    const dataset = bench.newDataset();
    const { job_id } = await bench.startLoad({ dataset, source: photos });
    const seen: ReadEvent[] = [];
    for await (const event of await open(`/api/jobs/${job_id}/events`)) seen.push(event);
    const last = seen.at(-2);
    expect(last?.data).toMatchObject({
      state: 'completed',
      phases: { indexing: { done: 40 }, embedding: { done: 40 } },
    });
    expect(seen.at(-1)?.name).toBe('end');
    const again = await api.get(`/api/jobs/${job_id}/events`, { 'last-event-id': last?.id as string });
    expect(again.status).toBe(204);
  });

  test('tells what is retried, and when that is over', async () => {
    const jobId = await recordJob(bench.newDataset());
    const events = await open(`/api/jobs/${jobId}/events`);
    await next(events);
    const retried = { jobId, key: 'a', timeoutMS: 10_000 };
    const retrying = { activity: 'listSource', attempt: 2, error: { code: 'DiskError', message: 'no disk' } };
    await noteRetrying(bench.store, retried, { ...retrying, since: new Date(0) });
    expect((await next(events)).data.retrying).toEqual({ ...retrying, since: '1970-01-01T00:00:00.000Z' });
    await clearRetrying(bench.store, retried);
    expect((await next(events)).data.retrying).toBeNull();
    await events.return(undefined);
  });

  test('tells of a write within 250 ms of when MongoDB tells of it', async () => {
    const job = await recordJob(bench.newDataset());
    const events = await open(`/api/jobs/${job}/events`);
    await next(events);
    // The delay of a busy machine is not ours, so a second listener reads the same change and the same job.
    const changes = collectionsOf(bench.store).jobs.watch([{ $match: { 'documentKey._id': job } }]);
    await changes.tryNext();
    const tookMs: number[] = [];
    for (let done = 1; done <= 10; done += 1) {
      const told = next(events).then((event) => ({ event, atMs: performance.now() }));
      const heardMs = changes
        .next()
        .then(() => collectionsOf(bench.store).jobs.findOne({ _id: job }))
        .then(() => performance.now());
      await advance(job, done);
      const { event, atMs } = await told;
      tookMs.push(atMs - (await heardMs));
      expect(event.data.phases.indexing.done).toBe(done);
    }
    await Promise.all([events.return(undefined), changes.close()]);
    console.error(`[events] from a write to its event: ${tookMs.map((ms) => Math.round(ms)).join(', ')} ms`);
    // The machine may delay one of the two listeners longer than the other now and then.
    expect(tookMs.toSorted((a, b) => a - b)[7]).toBeLessThan(250);
  });

  test('goes on where it was: nothing that is known is told again, nothing that was missed is lost', async () => {
    const job = await recordJob(bench.newDataset());
    const before = await open(`/api/jobs/${job}/events`);
    const { id } = await next(before);
    await before.return(undefined);
    const same = await open(`/api/jobs/${job}/events`, { 'last-event-id': id as string });
    await advance(job, 5);
    expect((await next(same)).data.phases.indexing.done).toBe(5);
    await same.return(undefined);
    const missed = await open(`/api/jobs/${job}/events`, { 'last-event-id': id as string });
    expect((await next(missed)).data.phases.indexing.done).toBe(5);
    await missed.return(undefined);
    const madeUp = await open(`/api/jobs/${job}/events`, { 'last-event-id': "'; DROP --" });
    expect((await next(madeUp)).data.phases.indexing.done).toBe(5);
    await madeUp.return(undefined);
  });
});

describe('the stream of all', () => {
  test('tells what is under way, then what changes, of one dataset where that is asked for', async () => {
    const [one, other] = [bench.newDataset(), bench.newDataset()];
    const [jobOne, jobOther] = [await recordJob(one), await recordJob(other)];
    const events = await open(`/api/events?dataset=${one}`);
    expect((await next(events)).data.job_id).toBe(jobOne);
    await advance(jobOther, 7);
    await advance(jobOne, 8);
    const change = await next(events);
    expect([change.data.job_id, change.data.phases.indexing.done]).toEqual([jobOne, 8]);
    await events.return(undefined);
  });

  test('tells after a break what ended meanwhile', async () => {
    const dataset = bench.newDataset();
    const job = await recordJob(dataset);
    const before = await open(`/api/events?dataset=${dataset}`);
    const { id } = await next(before);
    await before.return(undefined);
    await collectionsOf(bench.store).jobs.updateOne(
      { _id: job },
      { $set: { state: 'completed', finished_at: new Date() } },
    );
    const after = await open(`/api/events?dataset=${dataset}`, { 'last-event-id': id as string });
    expect((await next(after)).data.state).toBe('completed');
    await after.return(undefined);
  });

  test('tells of datasets, and of those that are removed', async () => {
    const dataset = bench.newDataset();
    const events = await open(`/api/events?dataset=${dataset}`);
    const first = next(events);
    await collectionsOf(bench.store).datasets.insertOne({
      _id: dataset,
      media_type: 'image',
      sources: [],
      next_seq: 0,
      counts: { total: 0, indexed: 0, failed: 0, missing: 0 },
      phases: {},
      models: [],
      latest_job: 'none',
      created_at: new Date(),
      last_modified_at: new Date(),
    });
    expect(await first).toMatchObject({ name: 'dataset', data: { dataset } });
    await collectionsOf(bench.store).datasets.deleteOne({ _id: dataset });
    expect(await next(events)).toMatchObject({ name: 'dataset_removed', data: { dataset } });
    await events.return(undefined);
  });
});

test('who asks for the headers alone holds no stream', async () => {
  const opened = async () =>
    /plimsoll_open_streams (\d+)/.exec(new TextDecoder().decode((await api.get('/metrics')).bytes))?.[1];
  // Streams of earlier tests are released a moment after they are closed.
  await expect.poll(opened).toBe('0');
  expect((await api.call('HEAD', '/api/events')).headers.get('content-type')).toMatch(/^text\/event-stream/);
  expect(await opened()).toBe('0');
});

describe('a feed', () => {
  test('holds the latest of each thing for who reads slowly', async () => {
    const feed = createFeed({ heartbeatMs: 60_000, onOver: () => {}, cut: () => {} });
    for (let n = 0; n < 10_000; n += 1) feed.send('same', { name: 'job', text: `{"n":${n}}` });
    feed.end();
    const text = await new Response(feed.stream).text();
    expect(text.match(/^data:/gm)).toHaveLength(1);
    expect(text).toContain('{"n":9999}');
  });

  test('drops who does not read', async () => {
    const over = Promise.withResolvers<void>();
    const feed = createFeed({ heartbeatMs: 5, onOver: () => over.resolve(), cut: () => {} });
    for (let n = 0; n < 10; n += 1) feed.send(`job-${n}`, { name: 'job', text: 'x'.repeat(10_000) });
    await over.promise;
    feed.send('later', { name: 'job', text: '{}' });
  });

  test('beats while nothing happens', async () => {
    const feed = createFeed({ heartbeatMs: 5, onOver: () => {}, cut: () => {} });
    const reader = feed.stream.getReader();
    await reader.read();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe(': \n\n');
    await reader.cancel();
  });
});

test('a connection that takes nothing any more is closed, and makes room for another stream', async () => {
  const streams = createStreams({ most: 1, heartbeatMs: 20 });
  /** What each stream is told, again and again: more than the buffers of the system hold. */
  const event = { name: 'job', text: 'x'.repeat(1 << 20) };
  const app = new Hono<ApiEnv>().get('/', (c) =>
    streams.answer(c, (feed) => {
      const telling = setInterval(() => feed.send('job', event), 1);
      return () => clearInterval(telling);
    }),
  );
  const server = createServer(getRequestListener((request, env) => app.fetch(request, env)));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const deaf = connect(port, '127.0.0.1');
  try {
    const taken = once(server, 'request');
    deaf.pause();
    deaf.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const [{ socket }] = (await taken) as [{ socket: NodeJS.EventEmitter }];
    await once(socket, 'close');
    expect(streams.open).toBe(0);
    const reading = await fetch(`http://127.0.0.1:${port}/`);
    expect(reading.status).toBe(200);
    // Someone who reads is told on and on.
    const reader = reading.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    for (let bytes = 0; bytes < 16 << 20; ) bytes += (await reader.read()).value?.length as number;
    await reader.cancel();
  } finally {
    deaf.destroy();
    server.closeAllConnections();
    server.close();
  }
});

describe('a thousand streams', () => {
  let server: RunningApi;

  beforeAll(async () => {
    server = await startApi(settingsFor(uriOf(bench.store), { maxStreams: 1000 }), () => undefined);
    await until(() => server.context.changes.ready);
  });

  afterAll(() => server.close());

  test('share one stream of changes, in little memory; one more is refused', async () => {
    const dataset = bench.newDataset();
    const job = await recordJob(dataset);
    globalThis.gc?.();
    const beforeMb = process.memoryUsage().rss / 2 ** 20;
    const opened: Caller[] = [];
    // A listening socket queues 511 connections. A busy machine does not take more at once.
    while (opened.length < 1000) {
      const some = Array.from({ length: 100 }, () => openStream(server.port, `/api/events?dataset=${dataset}`));
      opened.push(...(await Promise.all(some)));
    }
    const refused = openSocket(server.port, '/api/events');
    await refused.until('TooManyStreams');
    const beganMs = performance.now();
    await advance(job, 77);
    await Promise.all(opened.map((one) => one.until('"done":77')));
    const tookMs = performance.now() - beganMs;
    const afterMb = process.memoryUsage().rss / 2 ** 20;
    console.error(
      `[events] 1,000 streams: all told after ${Math.round(tookMs)} ms; resident memory ${Math.round(beforeMb)} → ${Math.round(afterMb)} MB, with the 1,000 callers in this process`,
    );
    const { connections } = await bench.store.client.db('admin').command({ serverStatus: 1 });
    expect(connections.current).toBeLessThan(300);
    expect(afterMb - beforeMb).toBeLessThan(300);
    for (const one of [...opened, refused]) one.close();
    const later = await openUntilTaken(server.port);
    later.close();
  });
});

interface Caller {
  until(text: string): Promise<void>;
  close(): void;
}

/** Opens a stream, and waits for its first event. A server that is too busy to read the request in time closes it. */
async function openStream(port: number, path: string): Promise<Caller> {
  for (;;) {
    const caller = openSocket(port, path);
    const isTaken = await caller.until('"total":100').then(
      () => true,
      () => false,
    );
    if (isTaken) return caller;
  }
}

function openSocket(port: number, path: string): Caller {
  const socket = connect(port, '127.0.0.1');
  let read = '';
  let closed = false;
  let heard = () => {};
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    read = (read + chunk).slice(-4000);
    heard();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed = true;
    heard();
  });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
  return {
    until: (text) =>
      new Promise((resolve, reject) => {
        heard = () => {
          if (read.includes(text)) resolve();
          else if (closed) reject(new Error(`The server closed the connection after ${JSON.stringify(read)}.`));
        };
        heard();
      }),
    close: () => socket.destroy(),
  };
}

/** Opens a stream, once closed streams have made room for it. */
async function openUntilTaken(port: number): Promise<Caller> {
  for (;;) {
    const { status, body } = await fetch(`http://127.0.0.1:${port}/api/events`);
    await body?.cancel();
    if (status === 200) return openSocket(port, '/api/events');
  }
}
