import type { Worker } from '@temporalio/worker';
import { pingStore, type Store } from '../core/store/store.ts';
import { ACTIVITY_TASKS, describeTaskQueue } from '../temporal/task-queues.ts';

/** Whether a worker can do its work, and what is missing. The API's `/ready` answers with the same shape. */
export interface Readiness {
  ready: boolean;
  worker: Part;
  mongodb: Part;
  temporal: Part;
}

export interface Part {
  ready: boolean;
  detail: string;
}

const ANSWER_WITHIN_MS = 2000;

/**
 * Returns a function that asks both servers, at most once at a time, and tells how the worker is. It never rejects. The
 * worker is undefined until it was created.
 */
export function createReadiness(store: Store, worker: () => Worker | undefined): () => Promise<Readiness> {
  let asking: Promise<Readiness> | undefined;
  let polled = false;

  async function ask(): Promise<Readiness> {
    const running = worker();
    if (running === undefined) {
      const starts: Part = { ready: false, detail: 'The worker is starting.' };
      return { ready: false, worker: starts, mongodb: starts, temporal: starts };
    }
    const [mongodb, temporal] = await Promise.all([
      partOf('MongoDB', pingStore(store)),
      partOf('Temporal', askTemporal(running)),
    ]);
    const state = stateOf(running);
    return { ready: state.ready && mongodb.ready && temporal.ready, worker: state, mongodb, temporal };
  }

  /** A busy worker polls for nothing and drops off Temporal's list after minutes, so one sight of it is enough. */
  async function askTemporal({ connection, options }: Worker): Promise<void> {
    if (connection === undefined) return;
    const { namespace, taskQueue, identity } = options;
    const { pollers } = await connection.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
      describeTaskQueue(connection, namespace, taskQueue, ACTIVITY_TASKS),
    );
    polled ||= pollers?.some((poller) => poller.identity === identity) ?? false;
  }

  function stateOf(running: Worker): Part {
    if (running.getState() !== 'RUNNING')
      return { ready: false, detail: 'The worker does not run: it starts or stops.' };
    return polled
      ? { ready: true, detail: 'The worker polls.' }
      : { ready: false, detail: 'Temporal has not seen the worker poll yet.' };
  }

  return () => {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}

/** Errors are not passed on: they name addresses, and any process that reaches the port may ask. */
async function partOf(name: string, answer: Promise<unknown>): Promise<Part> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error('late')), ANSWER_WITHIN_MS);
  try {
    await Promise.race([answer, late.promise]);
    return { ready: true, detail: `${name} answers.` };
  } catch {
    return { ready: false, detail: `${name} does not answer. The worker keeps trying.` };
  } finally {
    clearTimeout(timer);
  }
}
