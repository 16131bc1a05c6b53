import { SvelteMap } from 'svelte/reactivity';
import { isOver } from '../../../contract/job.ts';
import { eventsOf, type ServerEvent } from '../api/event-stream.ts';
import { isAborted, ProblemError, request, respond } from '../api/request.ts';
import type { Dataset, Job, JobPage } from '../api/shapes.ts';
import { config } from './config.svelte.ts';
import { session } from './session.svelte.ts';

/** Longest silence of a live stream. The server sends comments more often than this. */
const SILENCE_MS = 45_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
/** When more ended jobs than this are kept, all but the latest `ENDED_KEPT` are dropped. */
const MOST_ENDED = 300;
const ENDED_KEPT = 200;

export type Connection = 'connecting' | 'open' | 'lost';

/** Live state from one event stream for the whole page, which is open while the page is visible. */
class Live {
  connection = $state<Connection>('connecting');
  /** The server's reason for refusing the connection, if any. */
  refusal = $state.raw<ProblemError>();
  retryAtMs = $state(0);
  /** Increases with each connection, after which earlier readings may be out of date. */
  generation = $state(0);
  /** Latest known status of jobs, by ID. */
  readonly jobs = new SvelteMap<string, Job>();
  readonly datasets = new SvelteMap<string, Dataset>();
  /** Names of datasets that were removed while the stream was open. */
  readonly removed = new SvelteMap<string, true>();

  /** Sequence number of each job's last update. */
  readonly #asOf = new Map<string, number>();
  #turns = 0;
  #lastEventId = '';
  #wake: (() => void) | undefined;

  /** Listens while the tab is visible, and reconnects when necessary, until the signal aborts. */
  async run(signal: AbortSignal) {
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      await inSight(signal);
      if (signal.aborted) return;
      const hiding = new AbortController();
      const hide = () => {
        if (document.hidden) hiding.abort();
      };
      document.addEventListener('visibilitychange', hide);
      try {
        await this.#listen(AbortSignal.any([signal, hiding.signal]), () => {
          retryMs = FIRST_RETRY_MS;
        });
        this.#lose();
      } catch (error) {
        if (signal.aborted) return;
        if (hiding.signal.aborted) {
          this.connection = 'connecting';
          continue;
        }
        if (error instanceof ProblemError && error.status === 401) {
          await this.#pause(Number.POSITIVE_INFINITY, signal);
          continue;
        }
        this.#lose(error instanceof ProblemError ? error : undefined);
      } finally {
        document.removeEventListener('visibilitychange', hide);
      }
      this.retryAtMs = Date.now() + retryMs;
      await this.#pause(retryMs, signal);
      retryMs = Math.min(LONGEST_RETRY_MS, retryMs * 1.7);
    }
  }

  /** Reconnects now instead of after the pause. */
  retryNow() {
    this.#wake?.();
  }

  /** Reads a job and keeps the answer, unless a newer event arrived during the request. */
  async ask(read: () => Promise<Job>): Promise<Job> {
    this.#turns += 1;
    const asked = this.#turns;
    const job = await read();
    this.#learn(job, asked);
    return job;
  }

  #learn(job: Job, asOf: number) {
    const held = this.jobs.get(job.job_id);
    if (!isOver(job) && ((held && isOver(held)) || (this.#asOf.get(job.job_id) ?? 0) > asOf)) return;
    this.jobs.set(job.job_id, job);
    this.#asOf.set(job.job_id, asOf);
    if (isOver(job)) this.#forgetOld();
  }

  #forgetOld() {
    const ended = [...this.jobs.values()].filter(isOver);
    if (ended.length <= MOST_ENDED) return;
    ended.sort((a, b) => (b.finished_at ?? '').localeCompare(a.finished_at ?? ''));
    for (const { job_id } of ended.slice(ENDED_KEPT)) {
      this.jobs.delete(job_id);
      this.#asOf.delete(job_id);
    }
  }

  async #listen(signal: AbortSignal, onOpen: () => void) {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), SILENCE_MS);
    try {
      await config.read(signal);
      if (config.value?.scope === null) {
        session.refused();
        throw new ProblemError(401, {});
      }
      const response = await respond('/api/events', {
        headers: {
          accept: 'text/event-stream',
          ...(this.#lastEventId === '' ? {} : { 'last-event-id': this.#lastEventId }),
        },
        signal: AbortSignal.any([signal, silence.signal]),
      });
      onOpen();
      session.admitted();
      this.connection = 'open';
      this.generation += 1;
      void this.#catchUp(signal);
      if (response.body === null) return;
      const heard = () => {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE_MS);
      };
      for await (const event of eventsOf(response.body, heard)) this.#take(event);
    } catch (error) {
      if (isAborted(error) && silence.signal.aborted) return;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #take({ event, data, id }: ServerEvent) {
    if (id !== '') this.#lastEventId = id;
    if (event === 'job') {
      this.#turns += 1;
      this.#learn(JSON.parse(data) as Job, this.#turns);
    }
    if (event === 'dataset') {
      const dataset = JSON.parse(data) as Dataset;
      this.datasets.set(dataset.dataset, dataset);
      this.removed.delete(dataset.dataset);
    }
    if (event === 'dataset_removed') {
      const { dataset } = JSON.parse(data) as { dataset: string };
      this.datasets.delete(dataset);
      this.removed.set(dataset, true);
    }
  }

  /** Reads known open jobs that ended while the stream was closed. */
  async #catchUp(signal: AbortSignal) {
    const open = [...this.jobs.values()].filter((job) => !isOver(job));
    if (open.length === 0) return;
    const page = await request<JobPage>('/api/jobs', { query: new URLSearchParams({ limit: '100' }), signal }).catch(
      () => undefined,
    );
    for (const job of page?.jobs ?? []) if (isOver(job)) this.#learn(job, this.#turns);
  }

  #lose(refusal?: ProblemError) {
    this.connection = 'lost';
    this.refusal = refusal;
  }

  async #pause(ms: number, signal: AbortSignal) {
    await new Promise<void>((resolve) => {
      const timer = Number.isFinite(ms) ? setTimeout(resolve, ms) : undefined;
      const wake = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener('abort', wake, { once: true });
      window.addEventListener('online', wake, { once: true });
    });
    this.#wake = undefined;
  }
}

/**
 * Resolves when the tab is visible. Over HTTP/1.1 a browser has six connections per server for all tabs, and streams in
 * hidden tabs would use them up.
 */
async function inSight(signal: AbortSignal): Promise<void> {
  if (!document.hidden || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const look = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener('visibilitychange', look);
      signal.removeEventListener('abort', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', look);
  });
}

export const live = new Live();
