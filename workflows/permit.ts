import { CancellationScope, condition, proxyActivities, sleep } from '@temporalio/workflow';
import type { EmbeddingActivities } from '../activities/embedding.ts';
import type { EmbedWindow } from '../contract/options.ts';
import type { Waiting } from '../core/store/documents.ts';
import { shortWork } from './activity-options.ts';
import { isInterruption } from './failures.ts';

const { windowAt } = proxyActivities<EmbeddingActivities>(shortWork);

export interface PermitOptions {
  isPaused: () => boolean;
  embed_at?: string | undefined;
  embed_window?: EmbedWindow | undefined;
  /** Called when the work begins to wait for its time or its window. */
  onWait?: (waiting: Omit<Waiting, 'since'>) => Promise<void>;
}

/** Leave to work: there is none while a job is paused, before its time, and outside its window. */
export interface Permit {
  /** Runs work when there is leave. Where that ends the work is canceled, and begun again when there is leave again. */
  complete<T>(work: () => Promise<T>): Promise<T>;
  /** Runs work when there is leave. Where that ends `stop` is called once, and the work has to come to an end by itself. */
  round<T>(work: () => Promise<T>, stop: () => void): Promise<T>;
}

export function createPermit({ isPaused, embed_at, embed_window, onWait }: PermitOptions): Permit {
  /** Resolves when there is leave, with the time at which it ends by itself. */
  async function obtain(): Promise<number | undefined> {
    for (;;) {
      await condition(() => !isPaused());
      if (embed_at === undefined && embed_window === undefined) return undefined;
      // An activity asks the rules of the time zone, so that a replay does not depend on them; the time is Temporal's.
      const now = Date.now();
      const { open, reason, changes_at } = await windowAt({ now, embed_at, embed_window });
      if (open && !isPaused()) return changes_at ?? undefined;
      if (open || changes_at === null) continue;
      await onWait?.({ reason, until: new Date(changes_at) });
      await sleep(Math.max(1, changes_at - Date.now()));
    }
  }

  /** Calls `stop` once when leave ends, unless it is ended itself before that. */
  function watch(endsAt: number | undefined, stop: () => void) {
    const scope = new CancellationScope();
    const watching = { stopped: false, end: () => scope.cancel() };
    const wait = async () => {
      if (endsAt === undefined) await condition(isPaused);
      else await condition(isPaused, Math.max(1, endsAt - Date.now()));
      watching.stopped = true;
      stop();
    };
    // It fails only by being canceled.
    void scope.run(wait).catch(() => undefined);
    return watching;
  }

  return {
    async complete(work) {
      for (;;) {
        const endsAt = await obtain();
        const scope = new CancellationScope();
        const watching = watch(endsAt, () => scope.cancel());
        try {
          return await scope.run(work);
        } catch (error) {
          const canceled = CancellationScope.current().consideredCancelled;
          if (!watching.stopped || canceled || !isInterruption(error)) throw error;
        } finally {
          watching.end();
        }
      }
    },
    async round(work, stop) {
      const watching = watch(await obtain(), stop);
      try {
        return await work();
      } finally {
        watching.end();
      }
    },
  };
}
