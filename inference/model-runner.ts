import { afterTicks } from '../core/concurrency/after-ticks.ts';
import type { EmbedItem, EmbedOptions, EmbedOutcome } from '../core/embedding/embedder.ts';
import type { ModelSide } from '../core/media/medium.ts';
import { fromPortable, InferenceUnavailableError, ModelChangedError } from '../core/models/errors.ts';
import type { ModelFiles } from '../core/models/find-model.ts';
import { areAbsent, areUnchanged, type HashedFile } from '../core/models/revision.ts';
import { type EncoderProcess, type ProcessEnd, startEncoderProcess } from './encoder-process.ts';
import { hashOf } from './item-reader.ts';
import type { EncodeItem, LoadedModel, Reply } from './messages.ts';
import type { RunnerSettings } from './settings.ts';

/** Batches in the process at once: one computes, two are prepared. */
const MAX_BATCHES = 3;
/** Process deaths with only this item inside before the item is considered the cause. */
const MAX_CRASHES_ALONE = 2;
/** Consecutive items that killed the process without any success. Beyond this, the process is at fault. */
const MAX_BLAMED_IN_A_ROW = 5;
/** Consecutive process deaths without any success. */
const MAX_DEATHS_IN_A_ROW = 20;
/** Consecutive process deaths while loading the model. */
const MAX_DEATHS_LOADING = 2;

/** Items often hang together, on all threads. The process is replaced once for all of them. */
const REPLACE_DELAY_MS = 1000;

/** The share of `stallTimeoutMs` that a run of the model has, unless runs are slow. */
const RUN_SHARE = 1 / 5;
/** A run that takes this many times as long as the slowest one before it hangs. */
const RUN_FACTOR = 20;

/** An item of the side that a runner runs. Words come to it as values. */
export type SideItem = Exclude<EmbedItem, { text: string }>;

/** One item of a call, until it settles. */
interface Task {
  /** Identifies the item's content in the process. */
  key: number;
  item: SideItem;
  /** The item's hash, once it is known. */
  content?: string;
  /** Whether it may have ended a process. It is then retried with no other item in the process. */
  isSuspect: boolean;
  crashesAlone: number;
  /** Whether it was not decoded in time. The second time counts: the first may be due to a frozen machine or disk. */
  wasLate: boolean;
  /** Settled or abandoned: later results are ignored. */
  over: boolean;
  settle(outcome: EmbedOutcome): void;
  fail(error: unknown): void;
}

/** A call of `embed` in progress. */
interface Call {
  onSignOfLife: (() => void) | undefined;
  fail(error: unknown): void;
}

/** The files of a call that must be read before it is known which ones to encode. */
interface Reading {
  tasks: Task[];
  onRead(): void;
}

/** Runs one model: keeps its process alive while there is work, and sends it the items of all calls in batches. */
export interface ModelRunner {
  readonly files: ModelFiles;
  /** Loads the model if it is not loaded. */
  load(): Promise<LoadedModel>;
  /** The model that was loaded first. Its process may have ended since. */
  readonly first: LoadedModel | undefined;
  embed(items: readonly SideItem[], options?: EmbedOptions): Promise<EmbedOutcome[]>;
  /** Whether the model's files are still those that were loaded or, if nothing is loaded, found. */
  isCurrent(): Promise<boolean>;
  /** Rejects the calls in progress and ends the process. Resolves when the process has ended. */
  stop(reason: Error): Promise<void>;
  readonly pid: number | undefined;
}

/** Creates the runner of a side of a model. The process starts with the first call. */
export function createModelRunner(files: ModelFiles, side: ModelSide, settings: RunnerSettings): ModelRunner {
  let child: EncoderProcess | undefined;
  let loaded: LoadedModel | undefined;
  /** The first process's model. A restarted process must load the same one. */
  let first: LoadedModel | undefined;
  let known: HashedFile[] = [];
  const waitingForLoad: PromiseWithResolvers<LoadedModel>[] = [];
  /** Keeps the process that was alive at the stop, so its end is awaited even if it is replaced. */
  let stopped: { reason: Error; child: EncoderProcess | undefined; ended: PromiseWithResolvers<void> } | undefined;

  /** The suspects are retried one by one, before the queue. */
  let suspects: Task[] = [];
  let queue: Task[] = [];
  const underWay = new Map<number, Task[]>();
  let toRead: Reading[] = [];
  const beingRead = new Map<number, Reading>();
  let lastId = 0;
  let lastKey = 0;
  const calls = new Set<Call>();

  let deathsLoading = 0;
  let deathsInARow = 0;
  let blamedInARow = 0;
  let idle: NodeJS.Timeout | undefined;
  /** Ends the count of the time without an answer; undefined while no answer is due. */
  let endStall: (() => number) | undefined;
  let isRunning = false;
  /** The slowest run of the model so far, in milliseconds. */
  let slowestRunMs: number | undefined;
  let replacing: NodeJS.Timeout | undefined;

  function start(): void {
    if (child !== undefined) return;
    const started = startEncoderProcess(settings, {
      onReply: (reply) => {
        if (child === started) receive(reply);
      },
      onExit: (end) => {
        if (child === started) died(end);
        if (stopped?.child === started) stopped.ended.resolve();
      },
    });
    child = started;
    const { device, batchSize, threads } = settings;
    started.send({
      type: 'load',
      files,
      settings: { device, batchSize, threads },
      known,
      side: { ...side.preparation, outputs: side.models.outputs },
    });
    watch();
  }

  function receive(reply: Reply): void {
    // An answer starts the count anew. A request does not: a process that hangs may get any number of them.
    const countedMs = endStall?.() ?? 0;
    endStall = undefined;
    if (reply.type === 'running') isRunning = true;
    else if (reply.type === 'encoded') {
      if (isRunning) slowestRunMs = Math.max(slowestRunMs ?? 0, countedMs);
      isRunning = false;
      settleBatch(reply);
    } else if (reply.type === 'loaded') becomeReady(reply.model);
    else if (reply.type === 'refused') giveUp(fromPortable(reply.error));
    else if (reply.type === 'alive') signOfLife();
    else if (reply.type === 'late') settleLate(reply);
    else settleReading(reply);
    watch();
  }

  function becomeReady(model: LoadedModel): void {
    deathsLoading = 0;
    first ??= model;
    if (model.revision !== first.revision) {
      giveUp(
        new ModelChangedError(
          `The files of model "${files.name}" changed while it was in use: ` +
            `revision ${first.revision} is now ${model.revision}.`,
        ),
      );
      return;
    }
    known = model.hashedFiles;
    loaded = model;
    signOfLife();
    for (const waiting of waitingForLoad.splice(0)) waiting.resolve(model);
    dispatch();
  }

  function settleReading({ id, contents }: Reply & { type: 'read' }): void {
    const reading = beingRead.get(id);
    if (reading === undefined) return;
    beingRead.delete(id);
    signOfLife();
    for (const [i, task] of reading.tasks.entries()) {
      const content = contents[i];
      if (typeof content === 'string') task.content = content;
      else if (content !== undefined) task.settle({ error: content });
    }
    reading.onRead();
    dispatch();
  }

  function settleBatch({ id, vectors, contents, failures }: Reply & { type: 'encoded' }): void {
    const tasks = underWay.get(id);
    if (tasks === undefined || loaded === undefined) return;
    const { dim } = loaded;
    underWay.delete(id);
    signOfLife();
    deathsInARow = 0;
    blamedInARow = 0;
    const errors = new Map(failures.map(({ index, code, message }) => [index, { code, message }]));
    for (const [index, task] of tasks.entries()) {
      const error = errors.get(index);
      // The decoder gave up by itself. Its clock also runs in a freeze.
      if (error?.code === 'decode_timeout' && isFirstLateness(task)) {
        retryAlone(task);
        requeue([task]);
        continue;
      }
      // A copy, so that keeping one vector does not keep the whole batch in memory.
      const vector = vectors.slice(index * dim, (index + 1) * dim);
      task.settle(error ? { error } : { vector, content: contents[index] ?? '' });
    }
    dispatch();
  }

  function signOfLife(): void {
    for (const { onSignOfLife } of calls) onSignOfLife?.();
  }

  /** Only the end of its process interrupts a decoder. An item is retried alone once. */
  function settleLate({ id, index }: Reply & { type: 'late' }): void {
    const task = underWay.get(id)?.[index];
    if (task === undefined) return;
    const isFirst = isFirstLateness(task);
    if (isFirst) retryAlone(task);
    else task.settle({ error: { code: 'decode_timeout', message: 'decoding took too long' } });
    signOfLife();
    replacing ??= setTimeout(replaceProcess, isFirst ? REPLACE_DELAY_MS : 0);
  }

  /** Until the process is replaced, an item may be called late twice. */
  const isFirstLateness = (task: Task) => !task.wasLate || replacing !== undefined;

  function retryAlone(task: Task): void {
    task.wasLate = true;
    task.isSuspect = true;
  }

  function replaceProcess(): void {
    const dying = child;
    const tasks = [...underWay.values()].flat();
    forgetProcess();
    requeue(tasks);
    dying?.kill();
    if (hasWork()) restart(dying, 'decoding took too long');
  }

  function restart(ended: EncoderProcess | undefined, reason: string): void {
    process.stderr.write(`The encoder process ${ended?.pid} of model "${files.name}" is replaced: ${reason}.\n`);
    signOfLife();
    start();
  }

  /** Puts items back, before those that wait. */
  function requeue(tasks: readonly Task[]): void {
    const left = tasks.filter(({ over }) => !over);
    suspects = [...left.filter(({ isSuspect }) => isSuspect), ...suspects];
    queue = [...left.filter(({ isSuspect }) => !isSuspect), ...queue];
  }

  function dispatch(): void {
    if (loaded === undefined) return;
    for (const reading of toRead.splice(0)) sendReading(reading);
    suspects = suspects.filter(({ over }) => !over);
    queue = queue.filter(({ over }) => !over);
    if ([...underWay.values()].some((tasks) => tasks.some(({ isSuspect }) => isSuspect))) return;
    if (suspects.length > 0) {
      if (underWay.size === 0) send(suspects.splice(0, 1));
      return;
    }
    const { batchSize } = loaded;
    // A batch that is not full waits for more items, unless the process would soon be idle.
    while (queue.length > 0 && underWay.size < (queue.length < batchSize ? 2 : MAX_BATCHES))
      send(queue.splice(0, batchSize));
  }

  function send(tasks: Task[]): void {
    lastId += 1;
    underWay.set(lastId, tasks);
    child?.send({ type: 'encode', id: lastId, items: tasks.map(toSend) });
    watch();
  }

  function sendReading(reading: Reading): void {
    lastId += 1;
    beingRead.set(lastId, reading);
    const files = reading.tasks.map(({ key, item }) => ({ key, path: 'path' in item ? item.path : '' }));
    child?.send({ type: 'read', id: lastId, files });
    watch();
  }

  function died({ reason, hung }: ProcessEnd): void {
    const ended = child;
    const wasLoaded = loaded !== undefined;
    const victims = [...underWay.values()].flat().filter(({ over }) => !over);
    forgetProcess();
    if (stopped !== undefined) return;
    if (!wasLoaded) deathsLoading += 1;
    deathsInARow += 1;
    // A process may hang for reasons outside of it, so the first time blames no item.
    if (hung && deathsInARow === 1 && !victims.some(({ isSuspect }) => isSuspect)) requeue(victims);
    else blame(victims, reason);
    if (deathsLoading >= MAX_DEATHS_LOADING) unavailable(`died while loading model "${files.name}": ${reason}`);
    else if (blamedInARow >= MAX_BLAMED_IN_A_ROW || deathsInARow >= MAX_DEATHS_IN_A_ROW)
      unavailable(`keeps dying: ${reason}`);
    else if (hasWork()) restart(ended, reason);
  }

  function unavailable(what: string): void {
    deathsLoading = 0;
    deathsInARow = 0;
    blamedInARow = 0;
    giveUp(new InferenceUnavailableError(`The encoder process ${what}`));
  }

  function blame(victims: Task[], reason: string): void {
    const [alone, ...others] = victims;
    if (alone !== undefined && others.length === 0) {
      alone.crashesAlone += 1;
      if (alone.crashesAlone >= MAX_CRASHES_ALONE) {
        blamedInARow += 1;
        alone.settle({
          error: {
            code: 'inference_crashed',
            message: `the encoder process died of this ${side.words.one}: ${reason}`,
          },
        });
        return;
      }
    }
    for (const task of victims) task.isSuspect = true;
    requeue(victims);
  }

  /** Rejects all waiting calls and ends the process. The next call starts afresh. */
  function giveUp(error: Error): void {
    const dying = child;
    failAll(error);
    forgetProcess();
    dying?.kill();
  }

  function failAll(error: Error): void {
    const waiting = waitingForLoad.splice(0);
    const readings = [...beingRead.values(), ...toRead].flatMap((reading) => reading.tasks);
    const tasks = [...[...underWay.values()].flat(), ...suspects, ...queue, ...readings];
    suspects = [];
    queue = [];
    toRead = [];
    beingRead.clear();
    for (const { reject } of waiting) reject(error);
    for (const task of tasks) task.fail(error);
  }

  function forgetProcess(): void {
    clearTimeout(replacing);
    replacing = undefined;
    child = undefined;
    loaded = undefined;
    isRunning = false;
    underWay.clear();
    toRead = [...beingRead.values(), ...toRead];
    beingRead.clear();
    watch();
  }

  function hasWork(): boolean {
    const toEncode = suspects.length > 0 || queue.length > 0 || underWay.size > 0;
    return waitingForLoad.length > 0 || toEncode || toRead.length > 0 || beingRead.size > 0;
  }

  /** Ends the process after a long idle time, and when an answer is due for too long. */
  function watch(): void {
    clearTimeout(idle);
    const watched = child;
    if (watched !== undefined && (underWay.size > 0 || beingRead.size > 0 || loaded === undefined)) {
      endStall ??= countStall(watched);
      return;
    }
    endStall?.();
    endStall = undefined;
    if (watched !== undefined && !hasWork())
      idle = setTimeout(() => giveUp(new Error('idle')), settings.idleMs).unref();
  }

  function countStall(watched: EncoderProcess): () => number {
    const { stallTimeoutMs } = settings;
    const ms =
      isRunning && slowestRunMs !== undefined
        ? Math.min(Math.max(stallTimeoutMs * RUN_SHARE, slowestRunMs * RUN_FACTOR), stallTimeoutMs)
        : stallTimeoutMs;
    const what = isRunning ? 'ran the model without a result' : 'did not answer';
    return afterTicks(ms, () => watched.killHung(`it ${what} for ${Math.round(ms / 1000)} s`));
  }

  function embed(
    items: readonly SideItem[],
    { signal, onSignOfLife, findKnown }: EmbedOptions = {},
  ): Promise<EmbedOutcome[]> {
    signal?.throwIfAborted();
    if (stopped !== undefined) return Promise.reject(stopped.reason);
    if (items.length === 0) return Promise.resolve([]);
    const { promise, resolve, reject } = Promise.withResolvers<EmbedOutcome[]>();
    const outcomes = new Array<EmbedOutcome>(items.length);
    let left = items.length;

    const call: Call = { onSignOfLife, fail: (error) => finish(() => reject(error)) };
    calls.add(call);
    const tasks = items.map((item, index): Task => {
      lastKey += 1;
      return {
        key: lastKey,
        item,
        ...('content' in item ? { content: item.content } : {}),
        isSuspect: false,
        crashesAlone: 0,
        wasLate: false,
        over: false,
        settle(outcome) {
          if (this.over) return;
          this.over = true;
          outcomes[index] = outcome;
          left -= 1;
          if (left === 0) finish(() => resolve(outcomes));
        },
        fail: call.fail,
      };
    });
    const abandon = () => {
      call.fail(signal?.reason);
      forget(tasks);
      dropAbandoned();
    };
    function finish(conclude: () => void): void {
      signal?.removeEventListener('abort', abandon);
      calls.delete(call);
      for (const task of tasks) task.over = true;
      conclude();
    }
    signal?.addEventListener('abort', abandon, { once: true });
    void readThenQueue(tasks, findKnown).catch((error: unknown) => {
      call.fail(error);
      forget(tasks);
    });
    return promise;
  }

  /** Reads the items first if `findKnown` decides which are encoded, and queues the rest. */
  async function readThenQueue(tasks: Task[], findKnown: EmbedOptions['findKnown']): Promise<void> {
    await Promise.all(tasks.map(hashBytes));
    if (findKnown !== undefined) {
      await readFiles(tasks.filter(({ item }) => 'path' in item));
      const read = tasks.filter(({ over }) => !over);
      // Abandoned while it was read.
      if (read.length === 0) return forget(tasks);
      const known = await findKnown(read.map(({ content }) => content ?? ''));
      const skipped = read.filter(({ content }) => content !== undefined && known.has(content));
      forget(skipped);
      for (const task of skipped) task.settle({ known: true, content: task.content ?? '' });
    }
    const rest = tasks.filter(({ over }) => !over);
    if (rest.length === 0) return;
    if (stopped !== undefined) throw stopped.reason;
    queue.push(...rest);
    start();
    dispatch();
  }

  /** Frees the content of items that will not be encoded. */
  function forget(tasks: readonly Task[]): void {
    const keys = tasks.filter(({ content }) => content !== undefined).map(({ key }) => key);
    if (keys.length > 0) child?.send({ type: 'forget', keys });
  }

  async function hashBytes(task: Task): Promise<void> {
    if ('bytes' in task.item) task.content = await hashOf(task.item.bytes);
  }

  /** Resolves when each file has a hash or is settled. */
  function readFiles(tasks: Task[]): Promise<void> {
    if (tasks.length === 0) return Promise.resolve();
    return new Promise((onRead) => {
      toRead.push({ tasks, onRead });
      start();
      dispatch();
    });
  }

  /** Tells the process which batches were abandoned. It still finishes the one that it computes. */
  function dropAbandoned(): void {
    for (const [id, tasks] of underWay) if (tasks.every(({ over }) => over)) child?.send({ type: 'drop', id });
    dispatch();
    watch();
  }

  return {
    files,
    get pid() {
      return child?.pid;
    },
    get first() {
      return first;
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
    isCurrent: async () => (await areUnchanged(known)) && (await areAbsent(files.absent)),
    stop(reason) {
      if (stopped === undefined) {
        stopped = { reason, child, ended: Promise.withResolvers<void>() };
        failAll(reason);
        for (const { fail } of calls) fail(reason);
        if (child === undefined) stopped.ended.resolve();
        else child.kill();
      }
      return stopped.ended.promise;
    },
  };
}

function toSend({ key, item, content }: Task): EncodeItem {
  if ('path' in item) return { key, path: item.path };
  return 'bytes' in item ? { bytes: item.bytes, content: content ?? '' } : item;
}
