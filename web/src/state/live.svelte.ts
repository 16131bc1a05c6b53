import { SvelteMap } from 'svelte/reactivity';
import { eventsOf, type ServerEvent } from '../api/event-stream.ts';
import { isAborted, ProblemError, request, respond } from '../api/request.ts';
import type { Dataset, Load, LoadPage } from '../api/shapes.ts';
import { config } from './config.svelte.ts';
import { session } from './session.svelte.ts';

/** The server sends a comment more often than this. */
const SILENCE_MS = 45_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;

export type Connection = 'connecting' | 'open' | 'lost';

/** All that changes by itself, from one stream of events for the whole page. */
class Live {
  connection = $state<Connection>('connecting');
  /** Why it was lost, where the server said so. */
  reason = $state('');
  retryAtMs = $state(0);
  /** Rises with each connection: what was read before may be out of date. */
  generation = $state(0);
  /** Jobs as last heard of, by their ID. */
  readonly loads = new SvelteMap<string, Load>();
  readonly datasets = new SvelteMap<string, Dataset>();
  /** Names of datasets that were removed while we watched. */
  readonly removed = new SvelteMap<string, true>();

  #lastEventId = '';
  #wake: (() => void) | undefined;

  /** Listens until the signal, and connects again whenever it has to. */
  async run(signal: AbortSignal) {
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      try {
        await this.#listen(signal, () => {
          retryMs = FIRST_RETRY_MS;
        });
        this.#lose('');
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ProblemError && error.status === 401) {
          await this.#pause(Number.POSITIVE_INFINITY, signal);
          continue;
        }
        this.#lose(error instanceof ProblemError ? error.message : '');
      }
      this.retryAtMs = Date.now() + retryMs;
      await this.#pause(retryMs, signal);
      retryMs = Math.min(LONGEST_RETRY_MS, retryMs * 1.7);
    }
  }

  /** Tries at once what would be tried later. */
  retryNow() {
    this.#wake?.();
  }

  /** What a request answered is news too. */
  learn(load: Load) {
    this.loads.set(load.job_id, load);
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
    if (event === 'load') this.learn(JSON.parse(data) as Load);
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

  /** Jobs that we saw under way and that ended while nobody told us. */
  async #catchUp(signal: AbortSignal) {
    const open = [...this.loads.values()].filter(({ finished_at }) => finished_at === null);
    if (open.length === 0) return;
    const page = await request<LoadPage>('/api/loads', { query: new URLSearchParams({ limit: '100' }), signal }).catch(
      () => undefined,
    );
    for (const load of page?.loads ?? []) if (load.finished_at !== null) this.learn(load);
  }

  #lose(reason: string) {
    this.connection = 'lost';
    this.reason = reason;
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

export const live = new Live();
