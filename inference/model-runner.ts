import { afterTicks } from '../core/concurrency/after-ticks.ts';
import type { EmbedOptions, EmbedOutcome } from '../core/embedding/embedder.ts';
import type { ModelSide } from '../core/media/medium.ts';
import {
  fromPortable,
  InferenceUnavailableError,
  ModelChangedError,
  ModelInvalidError,
} from '../core/models/errors.ts';
import type { ModelFiles } from '../core/models/find-model.ts';
import { areAbsent, areUnchanged, type HashedFile } from '../core/models/revision.ts';
import { createBlame } from './blame.ts';
import { createDecoders, type Decoders, ORDERS_PER_THREAD } from './decoders.ts';
import { hashOf } from './file-reader.ts';
import { type Frames, openFrames } from './frames.ts';
import type { EncodeItem, EncoderReply, EncoderRequest, LoadedModel } from './messages.ts';
import { type ProcessEnd, type PulsingProcess, startPulsingProcess } from './pulsing-process.ts';
import type { RunnerSettings } from './settings.ts';
import { noSuspicion, type SideItem, type Task } from './task.ts';

/** Batches in the encoder at once: one computes, and one follows it at once. */
const MAX_BATCHES = 2;
/** Batches of values in the encoder at once: it prepares them itself, two while one computes. */
const MAX_BATCHES_OF_VALUES = 3;
/** Batches of frames: those in the encoder, and one that is being filled. */
const BATCHES_OF_FRAMES = MAX_BATCHES + 1;
/** Consecutive process deaths while loading the model. */
const MAX_DEATHS_LOADING = 2;

/** The share of `stallTimeoutMs` that a run of the model has, unless runs are slow. */
const RUN_SHARE = 1 / 5;
/** A run that takes this many times as long as the slowest one before it hangs. */
const RUN_FACTOR = 20;

/** A call of `embed` in progress. */
interface Call {
  onSignOfLife: (() => void) | undefined;
  fail(error: unknown): void;
}

/** The processes of a model, from their start until nobody needs them or they are of no use. */
interface Processes {
  frames: Frames;
  decoders: Decoders;
  /** Whether it is known how files are decoded. */
  isOpen: boolean;
}

/**
 * Runs one model: keeps its processes alive while there is work. Files are decoded into frames by the decoder processes,
 * and the encoder process gets the items of all calls in batches.
 */
export interface ModelRunner {
  readonly files: ModelFiles;
  /** Loads the model if it is not loaded. */
  load(): Promise<LoadedModel>;
  /** The model that was loaded first. Its process may have ended since. */
  readonly first: LoadedModel | undefined;
  embed(items: readonly SideItem[], options?: EmbedOptions): Promise<EmbedOutcome[]>;
  /** Whether the model's files are still those that were loaded or, if nothing is loaded, found. */
  isCurrent(): Promise<boolean>;
  /** Rejects the calls in progress and ends the processes. Resolves when they have ended. */
  stop(reason: Error): Promise<void>;
  /** Process ID of the encoder. */
  readonly pid: number | undefined;
  decoderPids(): number[];
}

/** Creates the runner of a side of a model. The processes start with the first call. */
export function createModelRunner(
  files: ModelFiles,
  side: ModelSide,
  settings: RunnerSettings,
  open: () => Frames = openFrames,
): ModelRunner {
  let processes: Processes | undefined;
  let encoder: PulsingProcess<EncoderRequest> | undefined;
  let loaded: LoadedModel | undefined;
  /** The first process's model. A restarted process must load the same one. */
  let first: LoadedModel | undefined;
  let known: HashedFile[] = [];
  const waitingForLoad: PromiseWithResolvers<LoadedModel>[] = [];
  let stopped: { reason: Error; ended: Promise<unknown> } | undefined;
  /** Processes that have been told to end. */
  const ending = new Set<Promise<unknown>>();

  /** The suspects are retried one by one, before the others. */
  let suspects: Task[] = [];
  /** Items to encode, in frames or as values. */
  let ready: Task[] = [];
  const underWay = new Map<number, Task[]>();
  let lastId = 0;
  let lastKey = 0;
  const calls = new Set<Call>();

  const blame = createBlame(1, MAX_DEATHS_LOADING);
  let idle: NodeJS.Timeout | undefined;
  /** Ends the count of the time without an answer; undefined while no answer is due. */
  let endStall: (() => number) | undefined;
  let isRunning = false;
  /** The slowest run of the model so far, in milliseconds. */
  let slowestRunMs: number | undefined;

  function start(): Processes {
    processes ??= startProcesses();
    if (encoder === undefined) startEncoder(processes);
    return processes;
  }

  function startProcesses(): Processes {
    const frames = framesOrNoRoom();
    const decoders = createDecoders(
      { name: files.name, one: side.words.one, frames, settings },
      {
        onDecoded(tasks) {
          ready.push(...tasks);
          dispatch();
          watch();
        },
        onSignOfLife: signOfLife,
        onUnavailable: giveUp,
      },
    );
    return { frames, decoders, isOpen: false };
  }

  function framesOrNoRoom(): Frames {
    try {
      return open();
    } catch (error) {
      throw noRoom(error);
    }
  }

  const noRoom = (error: unknown) =>
    new InferenceUnavailableError(`There is no room for decoded ${side.words.many}: ${(error as Error).message}`);

  function startEncoder({ frames }: Processes): void {
    const ended = Promise.withResolvers<void>();
    ending.add(ended.promise);
    void ended.promise.then(() => ending.delete(ended.promise));
    const { device, batchSize, takesBytes, threads, silenceTimeoutMs, isTrial } = settings;
    const started = startPulsingProcess<EncoderRequest, EncoderReply>(
      { module: 'encoder', threads, framesFd: frames.fd, execArgv: [], silenceTimeoutMs, isTrial },
      {
        onReply: (reply) => {
          if (encoder === started) receive(reply);
        },
        onExit: (end) => {
          if (encoder === started) died(end);
          ended.resolve();
        },
      },
    );
    encoder = started;
    started.send({
      type: 'load',
      files,
      settings: { device, batchSize, takesBytes, threads },
      known,
      side: { ...side.preparation, outputs: side.models.outputs },
    });
    watch();
  }

  function receive(reply: EncoderReply): void {
    // An answer starts the count anew. A request does not: a process that hangs may get any number of them.
    const countedMs = endStall?.() ?? 0;
    endStall = undefined;
    if (reply.type === 'running') isRunning = true;
    else if (reply.type === 'encoded') {
      if (isRunning) slowestRunMs = Math.max(slowestRunMs ?? 0, countedMs);
      isRunning = false;
      settleBatch(reply);
    } else if (reply.type === 'loaded') becomeReady(reply.model);
    else giveUp(fromPortable(reply.error));
    watch();
  }

  function becomeReady(model: LoadedModel): void {
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
    if (processes !== undefined && !processes.isOpen) void openDecoders(processes, model);
    dispatch();
  }

  async function openDecoders(opened: Processes, { decoding, largestBatch }: LoadedModel): Promise<void> {
    opened.isOpen = true;
    if (decoding === undefined) {
      if (opened.decoders.hasWork()) giveUp(takesNoFiles());
      return;
    }
    try {
      // A frame for each item that is decoded, and for those in batches.
      const inDecoders = settings.threads * ORDERS_PER_THREAD;
      await opened.frames.reserve(BATCHES_OF_FRAMES * largestBatch + inDecoders, decoding.itemBytes);
      if (processes === opened) opened.decoders.open(decoding);
    } catch (error) {
      if (processes === opened) giveUp(noRoom(error));
    }
  }

  function settleBatch({ id, vectors, failures }: EncoderReply & { type: 'encoded' }): void {
    const tasks = underWay.get(id);
    if (tasks === undefined || loaded === undefined) return;
    const { dim } = loaded;
    underWay.delete(id);
    signOfLife();
    blame.succeeded();
    giveFramesBack(tasks);
    const errors = new Map(failures.map(({ index, code, message }) => [index, { code, message }]));
    for (const [index, task] of tasks.entries()) {
      const error = errors.get(index);
      // A copy, so that keeping one vector does not keep the whole batch in memory.
      const vector = vectors.slice(index * dim, (index + 1) * dim);
      task.settle(error ? { error } : { vector, content: task.content ?? '' });
    }
    dispatch();
  }

  function giveFramesBack(tasks: readonly Task[]): void {
    for (const task of tasks) {
      if (task.frame !== undefined) processes?.frames.giveBack(task.frame);
      task.frame = undefined;
    }
  }

  function signOfLife(): void {
    for (const { onSignOfLife } of calls) onSignOfLife?.();
  }

  /** Puts items back, before those that wait. Their frames stay filled. */
  function requeue(tasks: readonly Task[]): void {
    suspects = [...tasks.filter(({ encoding }) => encoding.isSuspect), ...suspects];
    ready = [...tasks.filter(({ encoding }) => !encoding.isSuspect), ...ready];
  }

  /** The items that are not over. The frames of the others become free. */
  function withoutOver(tasks: readonly Task[]): Task[] {
    giveFramesBack(tasks.filter(({ over }) => over));
    return tasks.filter(({ over }) => !over);
  }

  function dispatch(): void {
    suspects = withoutOver(suspects);
    ready = withoutOver(ready);
    // There may be free frames.
    processes?.decoders.dispatch();
    if (loaded === undefined) return;
    if ([...underWay.values()].some((tasks) => tasks.some(({ encoding }) => encoding.isSuspect))) return;
    if (suspects.length > 0) {
      if (underWay.size === 0) send(suspects.splice(0, 1));
      return;
    }
    const { batchSize, largestBatch, decoding } = loaded;
    const most = decoding === undefined ? MAX_BATCHES_OF_VALUES : MAX_BATCHES;
    while (ready.length >= batchSize && underWay.size < most) send(ready.splice(0, largestBatch));
    // A batch that is not full waits for the items that are being decoded. Others would leave the process idle.
    if (ready.length > 0 && underWay.size < MAX_BATCHES && processes?.decoders.isDecoding() !== true)
      send(ready.splice(0, batchSize));
  }

  function send(tasks: Task[]): void {
    lastId += 1;
    underWay.set(lastId, tasks);
    encoder?.send({ type: 'encode', id: lastId, items: tasks.map(toSend) });
    watch();
  }

  function died(end: ProcessEnd): void {
    const ended = encoder;
    const wasLoaded = loaded !== undefined;
    const victims = withoutOver([...underWay.values()].flat());
    forgetEncoder();
    if (stopped !== undefined) return;
    const verdict = blame.died(
      victims.map(({ encoding }) => encoding),
      end,
      wasLoaded,
    );
    if (verdict.isGuilty) {
      victims[0]?.settle({
        error: {
          code: 'inference_crashed',
          message: `the encoder process died of this ${side.words.one}: ${end.reason}`,
        },
      });
    }
    requeue(withoutOver(victims));
    if (verdict.hopeless !== undefined) {
      blame.reset();
      giveUp(
        new InferenceUnavailableError(
          `The encoder process of model "${files.name}" ${verdict.hopeless}: ${end.reason}`,
        ),
      );
    } else if (hasWork()) {
      process.stderr.write(`The encoder process ${ended?.pid} of model "${files.name}" is replaced: ${end.reason}.\n`);
      signOfLife();
      start();
    }
  }

  /** Rejects all waiting calls and ends the processes. The next call starts afresh. */
  function giveUp(error: Error): void {
    failAll(error);
    void endProcesses();
    watch();
  }

  function failAll(error: Error): void {
    const waiting = waitingForLoad.splice(0);
    const tasks = [...[...underWay.values()].flat(), ...suspects, ...ready, ...(processes?.decoders.tasks() ?? [])];
    suspects = [];
    ready = [];
    for (const { reject } of waiting) reject(error);
    for (const task of tasks) task.fail(error);
  }

  /** Resolves when the processes have ended. */
  function endProcesses(): Promise<unknown> {
    const ended = processes;
    const dying = encoder;
    processes = undefined;
    forgetEncoder();
    dying?.kill();
    const decodersEnded = ended?.decoders.end();
    const closed = Promise.all([decodersEnded, ...ending]).then(() => ended?.frames.close());
    ending.add(closed);
    void closed.then(() => ending.delete(closed));
    return closed;
  }

  function forgetEncoder(): void {
    encoder = undefined;
    loaded = undefined;
    isRunning = false;
    underWay.clear();
    watch();
  }

  function hasWork(): boolean {
    const toEncode = suspects.length > 0 || ready.length > 0 || underWay.size > 0;
    return waitingForLoad.length > 0 || toEncode || processes?.decoders.hasWork() === true;
  }

  /** Ends the processes after a long idle time, and the encoder when an answer is due for too long. */
  function watch(): void {
    clearTimeout(idle);
    const watched = encoder;
    if (watched !== undefined && (underWay.size > 0 || loaded === undefined)) {
      endStall ??= countStall(watched);
      return;
    }
    endStall?.();
    endStall = undefined;
    if (processes !== undefined && !hasWork())
      idle = setTimeout(() => giveUp(new Error('idle')), settings.idleMs).unref();
  }

  function countStall(watched: PulsingProcess<EncoderRequest>): () => number {
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
        decoding: noSuspicion(),
        encoding: noSuspicion(),
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
      processes?.decoders.forget(tasks);
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
      processes?.decoders.forget(tasks);
    });
    return promise;
  }

  /** Reads the items first if `findKnown` decides which are encoded, and queues the rest. */
  async function readThenQueue(tasks: Task[], findKnown: EmbedOptions['findKnown']): Promise<void> {
    await Promise.all(tasks.map(hashBytes));
    // Items of a call that was stopped or abandoned are over.
    if (findKnown !== undefined) {
      await readFiles(tasks.filter(({ item, over }) => 'path' in item && !over));
      const read = tasks.filter(({ over }) => !over);
      // Abandoned while it was read.
      if (read.length === 0) return processes?.decoders.forget(tasks);
      const known = await findKnown(read.map(({ content }) => content ?? ''));
      const skipped = read.filter(({ content }) => content !== undefined && known.has(content));
      processes?.decoders.forget(skipped);
      for (const task of skipped) task.settle({ known: true, content: task.content ?? '' });
    }
    const rest = tasks.filter(({ over }) => !over);
    if (rest.length === 0) return;
    const { decoders } = start();
    const values = rest.filter(({ item }) => 'value' in item);
    ready.push(...values);
    if (values.length < rest.length) {
      if (loaded !== undefined && loaded.decoding === undefined) throw takesNoFiles();
      decoders.decode(rest.filter(({ item }) => !('value' in item)));
    }
    dispatch();
    watch();
  }

  const takesNoFiles = () => new ModelInvalidError(`Model "${files.name}" takes values, not files.`);

  async function hashBytes(task: Task): Promise<void> {
    if ('bytes' in task.item) task.content = await hashOf(task.item.bytes);
  }

  /** Resolves when each file has a hash or is settled. */
  async function readFiles(tasks: Task[]): Promise<void> {
    if (tasks.length === 0) return;
    const read = start().decoders.read(tasks);
    watch();
    await read;
    watch();
  }

  /** Tells the encoder which batches were abandoned. It still finishes the one that it computes. */
  function dropAbandoned(): void {
    for (const [id, tasks] of underWay) if (tasks.every(({ over }) => over)) encoder?.send({ type: 'drop', id });
    dispatch();
    watch();
  }

  return {
    files,
    get pid() {
      return encoder?.pid;
    },
    decoderPids: () => processes?.decoders.pids() ?? [],
    get first() {
      return first;
    },
    load() {
      if (stopped !== undefined) return Promise.reject(stopped.reason);
      if (loaded !== undefined) return Promise.resolve(loaded);
      const waiting = Promise.withResolvers<LoadedModel>();
      try {
        start();
      } catch (error) {
        return Promise.reject(error);
      }
      waitingForLoad.push(waiting);
      return waiting.promise;
    },
    embed,
    isCurrent: async () => (await areUnchanged(known)) && (await areAbsent(files.absent)),
    async stop(reason) {
      if (stopped === undefined) {
        failAll(reason);
        for (const { fail } of calls) fail(reason);
        stopped = { reason, ended: endProcesses() };
      }
      await stopped.ended;
    },
  };
}

function toSend({ item, frame }: Task): EncodeItem {
  if ('value' in item) return { value: item.value };
  if (frame === undefined) throw new Error('an item is encoded before it was decoded');
  return { frame };
}
