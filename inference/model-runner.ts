import type { ImageRef } from '../core/media/images/decode.ts';
import type { EmbedOutcome } from '../core/models/embedder.ts';
import { fromPortable, InferenceUnavailableError, ModelChangedError } from '../core/models/errors.ts';
import type { ModelFiles } from '../core/models/find-model.ts';
import { areUnchanged, type HashedFile } from '../core/models/revision.ts';
import { type InferenceProcess, startInferenceProcess } from './inference-process.ts';
import type { LoadedModel, Reply } from './messages.ts';
import type { InferenceSettings } from './settings.ts';

/** Batches that the process has at a time: one computes, two decode. */
const BATCHES_UNDER_WAY = 3;
/** Deaths with an image alone in the process before the image is held to be the cause. */
const CRASHES_ALONE = 2;
/** Images in a row that killed the process, with none done in between: then it is the process that is at fault. */
const CONDEMNED_IN_A_ROW = 5;
/** Deaths in a row with nothing done in between. */
const DEATHS_IN_A_ROW = 20;
/** Deaths in a row while the model is loaded. */
const DEATHS_LOADING = 2;

/** Images that hang often hang together, on all threads: a process is replaced once for them. */
const LATE_TOGETHER_MS = 1000;

/** One image of a call, until it is settled. */
interface Task {
  path: string | Buffer;
  crashesAlone: number;
  /** Settled or abandoned: whatever comes of it is ignored. */
  over: boolean;
  settle(outcome: EmbedOutcome): void;
  fail(error: unknown): void;
}

/** Runs one model: keeps its process alive while there is work, and gives it the images of all calls in batches. */
export interface ModelRunner {
  /** Loads the model if it is not loaded. */
  load(): Promise<LoadedModel>;
  embed(
    images: readonly ImageRef[],
    signal: AbortSignal | undefined,
    onSignOfLife?: () => void,
  ): Promise<EmbedOutcome[]>;
  /** Whether the model's files are still those that were loaded, or nothing is loaded. */
  isCurrent(): Promise<boolean>;
  /** Rejects what is under way and ends the process. Resolves when it has ended. */
  stop(reason: Error): Promise<void>;
  readonly pid: number | undefined;
}

export function createModelRunner(files: ModelFiles, settings: InferenceSettings): ModelRunner {
  let child: InferenceProcess | undefined;
  let loaded: LoadedModel | undefined;
  /** What the first process loaded: a process that is started anew must load the same. */
  let first: LoadedModel | undefined;
  let known: HashedFile[] = [];
  const waitingForLoad: PromiseWithResolvers<LoadedModel>[] = [];
  /** With the process that was alive then: what else becomes of it, its end is awaited. */
  let stopped: { reason: Error; child: InferenceProcess | undefined; ended: PromiseWithResolvers<void> } | undefined;

  /** Tasks that were in a process which died: tried again one by one, before all others. */
  let suspects: Task[] = [];
  let queue: Task[] = [];
  const underWay = new Map<number, Task[]>();
  let lastBatchId = 0;
  const listeners = new Set<() => void>();

  let deathsLoading = 0;
  let deathsInARow = 0;
  let condemnedInARow = 0;
  let timer: NodeJS.Timeout | undefined;
  let replacing: NodeJS.Timeout | undefined;

  function start(): void {
    if (child !== undefined) return;
    const started = startInferenceProcess(settings.threads, {
      onReply: (reply) => {
        if (child === started) receive(reply);
      },
      onExit: (reason) => {
        if (child === started) died(reason);
        if (stopped?.child === started) stopped.ended.resolve();
      },
    });
    child = started;
    started.send({ type: 'load', files, settings, known });
    watch();
  }

  function receive(reply: Reply): void {
    if (reply.type === 'loaded') becomeReady(reply.model);
    else if (reply.type === 'refused') giveUp(fromPortable(reply.error));
    else if (reply.type === 'late') settleLate(reply);
    else settleBatch(reply);
    watch();
  }

  function becomeReady(model: LoadedModel): void {
    deathsLoading = 0;
    first ??= model;
    if (model.revision !== first.revision) {
      giveUp(
        new ModelChangedError(
          `The files of model "${files.name}" changed while it was in use: revision ${first.revision} is now ${model.revision}.`,
        ),
      );
      return;
    }
    known = model.hashedFiles;
    loaded = model;
    for (const waiting of waitingForLoad.splice(0)) waiting.resolve(model);
    dispatch();
  }

  function settleBatch({ id, vectors, failures }: Reply & { type: 'embedded' }): void {
    const tasks = underWay.get(id);
    if (tasks === undefined || loaded === undefined) return;
    const { dim } = loaded;
    underWay.delete(id);
    for (const onSignOfLife of listeners) onSignOfLife();
    deathsInARow = 0;
    condemnedInARow = 0;
    const errors = new Map(failures.map(({ index, code, message }) => [index, { code, message }]));
    for (const [index, task] of tasks.entries()) {
      const error = errors.get(index);
      // A copy, so that keeping one vector does not keep its whole batch.
      task.settle(error ? { error } : { vector: vectors.slice(index * dim, (index + 1) * dim) });
    }
    dispatch();
  }

  /** Nothing interrupts what decodes, but the end of its process. */
  function settleLate({ id, index }: Reply & { type: 'late' }): void {
    const task = underWay.get(id)?.[index];
    if (task === undefined) return;
    task.settle({ error: { code: 'decode_timeout', message: 'decoding took too long' } });
    for (const onSignOfLife of listeners) onSignOfLife();
    replacing ??= setTimeout(replaceProcess, LATE_TOGETHER_MS);
  }

  function replaceProcess(): void {
    const dying = child;
    queue = [...[...underWay.values()].flat(), ...queue].filter(({ over }) => !over);
    forgetProcess();
    dying?.kill();
    if (hasWork()) start();
  }

  function dispatch(): void {
    if (loaded === undefined) return;
    suspects = suspects.filter(({ over }) => !over);
    queue = queue.filter(({ over }) => !over);
    if (suspects.length > 0) {
      if (underWay.size === 0) send(suspects.splice(0, 1));
      return;
    }
    const { batchSize } = loaded;
    // A batch that is not full yet waits for more images, unless the process would be idle soon.
    while (queue.length > 0 && underWay.size < (queue.length < batchSize ? 2 : BATCHES_UNDER_WAY))
      send(queue.splice(0, batchSize));
  }

  function send(tasks: Task[]): void {
    lastBatchId += 1;
    underWay.set(lastBatchId, tasks);
    child?.send({ type: 'batch', id: lastBatchId, paths: tasks.map(({ path }) => path) });
    watch();
  }

  function died(reason: string): void {
    const wasLoaded = loaded !== undefined;
    const victims = [...underWay.values()].map((tasks) => tasks.filter(({ over }) => !over));
    forgetProcess();
    if (stopped !== undefined) return;
    if (!wasLoaded) deathsLoading += 1;
    deathsInARow += 1;
    blame(victims.flat(), reason);
    if (deathsLoading >= DEATHS_LOADING) unavailable(`died while loading model "${files.name}": ${reason}`);
    else if (condemnedInARow >= CONDEMNED_IN_A_ROW || deathsInARow >= DEATHS_IN_A_ROW)
      unavailable(`keeps dying: ${reason}`);
    else if (hasWork()) start();
  }

  function unavailable(what: string): void {
    deathsLoading = 0;
    deathsInARow = 0;
    condemnedInARow = 0;
    giveUp(new InferenceUnavailableError(`The inference process ${what}`));
  }

  function blame(victims: Task[], reason: string): void {
    const [alone, ...others] = victims;
    if (alone !== undefined && others.length === 0) {
      alone.crashesAlone += 1;
      if (alone.crashesAlone >= CRASHES_ALONE) {
        condemnedInARow += 1;
        alone.settle({
          error: { code: 'inference_crashed', message: `the inference process died of this image: ${reason}` },
        });
        return;
      }
    }
    suspects = [...victims, ...suspects];
  }

  /** Rejects all that waits, and ends the process: the next call starts afresh. */
  function giveUp(error: Error): void {
    const dying = child;
    failAll(error);
    forgetProcess();
    dying?.kill();
  }

  function failAll(error: Error): void {
    const waiting = waitingForLoad.splice(0);
    const tasks = [...[...underWay.values()].flat(), ...suspects, ...queue];
    suspects = [];
    queue = [];
    for (const { reject } of waiting) reject(error);
    for (const task of tasks) task.fail(error);
  }

  function forgetProcess(): void {
    clearTimeout(replacing);
    replacing = undefined;
    child = undefined;
    loaded = undefined;
    underWay.clear();
    watch();
  }

  function hasWork(): boolean {
    return waitingForLoad.length > 0 || suspects.length > 0 || queue.length > 0 || underWay.size > 0;
  }

  /** Ends the process when it had nothing to do for long, and when it has work and gives no sign. */
  function watch(): void {
    clearTimeout(timer);
    if (child === undefined) return;
    const watched = child;
    if (underWay.size > 0 || loaded === undefined) timer = setTimeout(() => watched.kill(), settings.stallTimeoutMs);
    else if (!hasWork()) timer = setTimeout(() => giveUp(new Error('idle')), settings.idleMs);
    timer?.unref();
  }

  function embed(
    images: readonly ImageRef[],
    signal: AbortSignal | undefined,
    onSignOfLife = () => {},
  ): Promise<EmbedOutcome[]> {
    signal?.throwIfAborted();
    if (stopped !== undefined) return Promise.reject(stopped.reason);
    if (images.length === 0) return Promise.resolve([]);
    const { promise, resolve, reject } = Promise.withResolvers<EmbedOutcome[]>();
    const outcomes = new Array<EmbedOutcome>(images.length);
    let left = images.length;

    // An object of its own for each call: two may pass the same function.
    const listener = () => onSignOfLife();
    listeners.add(listener);
    const tasks = images.map(
      ({ path }, index): Task => ({
        path,
        crashesAlone: 0,
        over: false,
        settle(outcome) {
          if (this.over) return;
          this.over = true;
          outcomes[index] = outcome;
          left -= 1;
          if (left === 0) finish(() => resolve(outcomes));
        },
        fail: (error) => finish(() => reject(error)),
      }),
    );
    const abandon = () => {
      finish(() => reject(signal?.reason));
      dropAbandoned();
    };
    function finish(conclude: () => void): void {
      signal?.removeEventListener('abort', abandon);
      listeners.delete(listener);
      for (const task of tasks) task.over = true;
      conclude();
    }
    signal?.addEventListener('abort', abandon, { once: true });
    queue.push(...tasks);
    start();
    dispatch();
    return promise;
  }

  /** Tells the process of batches that nobody waits for any more. What it computes just now it finishes. */
  function dropAbandoned(): void {
    for (const [id, tasks] of underWay) if (tasks.every(({ over }) => over)) child?.send({ type: 'drop', id });
    dispatch();
    watch();
  }

  return {
    get pid() {
      return child?.pid;
    },
    load() {
      if (stopped !== undefined) return Promise.reject(stopped.reason);
      if (loaded !== undefined) return Promise.resolve(loaded);
      const waiting = Promise.withResolvers<LoadedModel>();
      waitingForLoad.push(waiting);
      start();
      return waiting.promise;
    },
    embed,
    isCurrent: () => areUnchanged(known),
    stop(reason) {
      if (stopped === undefined) {
        stopped = { reason, child, ended: Promise.withResolvers<void>() };
        failAll(reason);
        if (child === undefined) stopped.ended.resolve();
        else child.kill();
      }
      return stopped.ended.promise;
    },
  };
}
