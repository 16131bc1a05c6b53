import { setTimeout as delay } from 'node:timers/promises';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { JOB_STATES } from '../../contract/job.ts';
import { sumCounts, sumVectors } from '../../core/store/datasets.ts';
import { countJobsByState } from '../../core/store/jobs.ts';
import type { ApiBackends } from '../backends/backends.ts';
import type { Thumbnails } from '../thumbnails/thumbnails.ts';
import { backlogAge } from './backlog-age.ts';
import { countWritten } from './written.ts';

/** The API's metrics. */
export interface Metrics {
  request(labels: { method: string; route: string; status: number }, seconds: number): void;
  /** Renders all metrics in the OpenMetrics text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** Scrapes within this time share a reading of the store. */
const READING_KEPT_MS = 5000;
const MAX_TIME_MS = 5000;
/** A scrape is answered within this time, even if a backend hangs. */
const ANSWER_WITHIN_MS = 3000;

export function createMetrics(
  { client, mongodb, temporal }: ApiBackends,
  more: { openStreams(): number; thumbnails: Thumbnails },
): Metrics {
  const registry = new Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const registers = [registry];
  const requests = new Counter({
    name: 'plimsoll_http_requests',
    help: 'Requests answered.',
    labelNames: ['method', 'route', 'status'],
    registers,
  });
  const seconds = new Histogram({
    name: 'plimsoll_http_request_seconds',
    help: 'Time until an answer began.',
    labelNames: ['method', 'route'],
    buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
    registers,
  });
  const up = new Gauge({
    name: 'plimsoll_backend_up',
    help: 'Whether a server answers.',
    labelNames: ['backend'],
    registers,
  });
  const streams = new Gauge({ name: 'plimsoll_open_streams', help: 'Open streams of events.', registers });
  const thumbnails = new Gauge({
    name: 'plimsoll_thumbnails_served',
    help: 'Thumbnails served by this process, made anew or kept.',
    labelNames: ['origin'],
    registers,
  });
  const jobs = new Gauge({
    name: 'plimsoll_jobs',
    help: 'Jobs on record by state.',
    labelNames: ['state'],
    registers,
  });
  const samples = new Gauge({
    name: 'plimsoll_samples',
    help: 'Samples stored by status.',
    labelNames: ['status'],
    registers,
  });
  const vectors = new Gauge({
    name: 'plimsoll_vectors',
    help: 'Vectors stored by model.',
    labelNames: ['model'],
    registers,
  });
  const written = new Gauge({
    name: 'plimsoll_written',
    help: 'Samples and vectors written by the jobs on record, by those under way so far.',
    labelNames: ['item'],
    registers,
  });
  const wait = new Gauge({
    name: 'plimsoll_queue_wait_seconds',
    help: 'Age of the oldest task that waits on a task queue.',
    labelNames: ['task_queue', 'kind'],
    registers,
  });

  async function readStore(): Promise<void> {
    if (!mongodb.ready) return;
    const { store } = client;
    const [writes, byState, counts, models] = await Promise.all([
      countWritten(store, MAX_TIME_MS),
      countJobsByState(store, MAX_TIME_MS),
      sumCounts(store, MAX_TIME_MS),
      sumVectors(store, MAX_TIME_MS),
    ]);
    written.set({ item: 'sample' }, writes.samples);
    written.set({ item: 'vector' }, writes.vectors);
    for (const state of JOB_STATES) jobs.set({ state }, byState.get(state) ?? 0);
    for (const status of ['indexed', 'failed', 'missing'] as const) samples.set({ status }, counts[status]);
    vectors.reset();
    for (const [model, count] of models) vectors.set({ model }, count);
  }

  async function readQueues(): Promise<void> {
    if (!temporal.ready) return;
    const ages = await client.temporal.withDeadline(Date.now() + MAX_TIME_MS, () => backlogAge(client));
    for (const { queue, kind, seconds: age } of ages) wait.set({ task_queue: queue, kind }, age);
  }

  let reading = Promise.resolve();
  let underWay = false;
  let readMs = Number.NEGATIVE_INFINITY;
  let readOf = '';

  function read(): void {
    const there = `${mongodb.ready} ${temporal.ready}`;
    if (underWay || (there === readOf && performance.now() - readMs <= READING_KEPT_MS)) return;
    readMs = performance.now();
    readOf = there;
    underWay = true;
    // A metric that can't be read keeps its last value; backend_up says why.
    reading = Promise.allSettled([readStore(), readQueues()]).then(() => {
      underWay = false;
    });
  }
  return {
    contentType: Registry.OPENMETRICS_CONTENT_TYPE,
    request({ method, route, status }, took) {
      requests.inc({ method, route, status });
      seconds.observe({ method, route }, took);
    },
    async text() {
      read();
      await Promise.race([reading, delay(ANSWER_WITHIN_MS, undefined, { ref: false })]);
      up.set({ backend: 'mongodb' }, mongodb.ready ? 1 : 0);
      up.set({ backend: 'temporal' }, temporal.ready ? 1 : 0);
      streams.set(more.openStreams());
      thumbnails.set({ origin: 'made' }, more.thumbnails.counts.made);
      thumbnails.set({ origin: 'kept' }, more.thumbnails.counts.kept);
      return registry.metrics();
    },
  };
}
