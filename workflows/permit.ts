import { CancellationScope, condition, sleep } from '@temporalio/workflow';
import type { WindowAnswer, WindowInput } from '../activities/embedding.ts';
import type { EmbedWindow } from '../contract/options.ts';
import type { Waiting } from '../core/store/documents.ts';
import { isInterruption } from './failures.ts';

export interface PermitOptions {
  isPaused: () => boolean;
  /** Tells whether a time is in the window. Needed where there is a start time or a window. */
  windowAt?: (input: WindowInput) => Promise<WindowAnswer>;
  embed_at?: string | undefined;
  embed_window?: EmbedWindow | undefined;
  /** Called when the work starts to wait for its start time or its window. */
  onWait?: (waiting: Omit<Waiting, 'since'>) => Promise<void>;
}

/** Permission to work. Withheld while the job is paused, before its start time, and outside its window. */
export interface Permit {
  /** Runs work once permitted. When permission ends, cancels the work and starts it again at the next permission. */
  complete<T>(work: () => Promise<T>): Promise<T>;
  /** Runs work once permitted. When permission ends, calls `stop` once; the work then has to end by itself. */
  round<T>(work: () => Promise<T>, stop: () => void): Promise<T>;
}

/** Creates the permit of a job. Without a start time and a window, only a pause withholds it. */
export function createPermit({ isPaused, windowAt, embed_at, embed_window, onWait }: PermitOptions): Permit {
  /** Resolves when work is permitted, with the time at which the permission expires, in milliseconds, if it does. */
  async function obtain(): Promise<number | undefined> {
    for (;;) {
      await condition(() => !isPaused());
      if (windowAt === undefined || (embed_at === undefined && embed_window === undefined)) return undefined;
      // Time zone rules change between releases of Node, so an activity applies them and a replay reads its result.
      const now = Date.now();
      const { open, reason, changes_at } = await windowAt({ now, embed_at, embed_window });
      if (open && !isPaused()) return changes_at ?? undefined;
      if (open || changes_at === null) continue;
      await onWait?.({ reason, until: new Date(changes_at) });
      await sleep(Math.max(1, changes_at - Date.now()));
    }
  }

  /** Calls `stop` once when permission ends, unless the watch is ended before that. */
  function watch(endsAt: number | undefined, stop: () => void) {
    const scope = new CancellationScope();
    const watching = { stopped: false, end: () => scope.cancel() };
    const wait = async () => {
      if (endsAt === undefined) await condition(isPaused);
      else await condition(isPaused, Math.max(1, endsAt - Date.now()));
      watching.stopped = true;
      stop();
    };
    // The wait fails only when its scope is canceled.
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
