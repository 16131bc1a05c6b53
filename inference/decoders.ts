/** The decoder processes of a model: the worker's side. */
import { afterTicks } from '../core/concurrency/after-ticks.ts';
import { createPermits } from '../core/concurrency/permits.ts';
import { BYTES_PER_THREAD, type Decoding } from '../core/media/preparation.ts';
import { fromPortable, InferenceUnavailableError } from '../core/models/errors.ts';
import { createBlame } from './blame.ts';
import type { Frames } from './frames.ts';
import type { DecoderReply, DecoderRequest, FileItem } from './messages.ts';
import { type ProcessEnd, type PulsingProcess, startPulsingProcess } from './pulsing-process.ts';
import type { ProcessSettings } from './settings.ts';
import type { Task } from './task.ts';

/**
 * Items that a process has at once, for each of its threads: one is decoded, and others wait so that no thread does. A
 * process gets more when it has FEW_PER_THREAD left, several in a message.
 */
export const ORDERS_PER_THREAD = 4;
const FEW_PER_THREAD = 2;
/** Threads for files and hashes, which do not wait for those that decode. */
const FILE_THREADS = 2;
/** Items often hang together, on all threads of a process. It is replaced once for all of them. */
const REPLACE_DELAY_MS = 1000;
/** The share of `stallTimeoutMs` in which a process with work says something. Each step of it has a shorter deadline. */
const STALL_SHARE = 1 / 5;
/** A decoder holds whole files for a moment, so a large young generation would only fill with garbage. */
const EXEC_ARGV = ['--max-semi-space-size=4'];

/** Reads, hashes and decodes files in processes, which start when they are needed. */
export interface Decoders {
  /** How the files are decoded. Orders wait for it. */
  open(decoding: Decoding): void;
  /** Hashes files. Resolves when each has a hash or is settled. Keeps their content, if there is room. */
  read(tasks: Task[]): Promise<void>;
  /** Decodes items into frames. Those that can't be decoded are settled. */
  decode(tasks: readonly Task[]): void;
  /** Frees the content of items that will not be decoded. */
  forget(tasks: readonly Task[]): void;
  /** Gives the processes work, if there are frames for it. Called when frames become free, and items are abandoned. */
  dispatch(): void;
  /** Whether more decoded items will come without further orders. */
  isDecoding(): boolean;
  hasWork(): boolean;
  pids(): number[];
  /** Ends the processes. Resolves when they have ended. The items are the caller's to settle. */
  end(): Promise<void>;
  /** All items that have not been decoded. */
  tasks(): Task[];
}

/** The reports of decoders. */
export interface DecoderReports {
  /** Receives items whose frames are filled: none where items that others may have waited for were settled. */
  onDecoded(tasks: Task[]): void;
  onSignOfLife(): void;
  /** Decoding is not possible. All items are to be given up. */
  onUnavailable(error: Error): void;
}

interface Reading {
  tasks: Task[];
  onRead(): void;
}

interface DecoderProcess {
  process: PulsingProcess<DecoderRequest>;
  threads: number;
  /** What it decodes, by the key. */
  orders: Map<number, Task>;
  readings: Map<number, Reading>;
  /** Items that wait for memory, and what returns the memory of those that have it. */
  memory: Map<number, 'waits' | (() => void)>;
  wasReady: boolean;
  endStall: (() => number) | undefined;
  replacing: NodeJS.Timeout | undefined;
  /** Resolves when it has ended. */
  ended: PromiseWithResolvers<void>;
}

/** Creates the decoders of the model `name`. `one` is the name of an item for people. */
export function createDecoders(
  { name, one, frames, settings }: { name: string; one: string; frames: Frames; settings: ProcessSettings },
  { onDecoded, onSignOfLife, onUnavailable }: DecoderReports,
): Decoders {
  const most = Math.min(settings.decoders, settings.threads);
  const all = new Set<DecoderProcess>();
  const ending = new Set<Promise<void>>();
  /** The process that has an item's content. */
  const homes = new WeakMap<Task, DecoderProcess>();
  /** The frames of processes that were given up and are not gone yet. */
  const freeAtEnd = new Map<DecoderProcess, number[]>();
  const blame = createBlame(most, most + 1);
  /** The memory of items that exceed their process's own. One that is larger than all of it is decoded alone. */
  const memory = createPermits(settings.threads * BYTES_PER_THREAD);
  let decoding: Decoding | undefined;
  let suspects: Task[] = [];
  let queue: Task[] = [];
  let lastReading = 0;
  let isOver = false;

  function start(): DecoderProcess {
    // The threads are shared out evenly.
    const threads = Math.ceil((settings.threads - all.size) / most);
    const started: DecoderProcess = {
      process: startPulsingProcess<DecoderRequest, DecoderReply>(
        {
          module: 'decoder',
          threads: threads + FILE_THREADS,
          framesFd: frames.fd,
          execArgv: EXEC_ARGV,
          silenceTimeoutMs: settings.silenceTimeoutMs,
        },
        {
          onReply: (reply) => {
            if (all.has(started)) receive(started, reply);
          },
          onExit: (end) => exited(started, end),
          onGone: () => gone(started),
        },
      ),
      threads,
      orders: new Map(),
      readings: new Map(),
      memory: new Map(),
      wasReady: false,
      endStall: undefined,
      replacing: undefined,
      ended: Promise.withResolvers(),
    };
    all.add(started);
    started.process.send({ type: 'begin', share: 1 / most });
    if (decoding !== undefined) started.process.send({ type: 'open', decoding, threads });
    return started;
  }

  /** Starts as many processes as there is work for. */
  function startFor(more: number): void {
    const work =
      more + queue.length + suspects.length + sum(all, ({ orders, readings }) => orders.size + filesOf(readings));
    const wanted = Math.min(most, Math.ceil((work * most) / settings.threads));
    while (all.size < wanted) start();
  }

  function receive(decoder: DecoderProcess, reply: DecoderReply): void {
    decoder.wasReady = true;
    decoder.endStall?.();
    decoder.endStall = undefined;
    if (reply.type === 'alive') onSignOfLife();
    else if (reply.type === 'refused') onUnavailable(fromPortable(reply.error));
    else if (reply.type === 'read') settleReading(decoder, reply);
    else if (reply.type === 'decoded') settleOrders(decoder, reply);
    else if (reply.type === 'late') settleLate(decoder, reply.key);
    else if (reply.type === 'heavy') void giveMemory(decoder, reply);
    watch(decoder);
  }

  function settleReading(decoder: DecoderProcess, { id, contents }: DecoderReply & { type: 'read' }): void {
    const reading = decoder.readings.get(id);
    if (reading === undefined) return;
    decoder.readings.delete(id);
    onSignOfLife();
    for (const [i, task] of reading.tasks.entries()) {
      const content = contents[i];
      if (typeof content === 'string') task.content = content;
      else if (content !== undefined) task.settle({ error: content });
    }
    reading.onRead();
  }

  function settleOrders(decoder: DecoderProcess, { items }: DecoderReply & { type: 'decoded' }): void {
    blame.succeeded();
    const decoded: Task[] = [];
    for (const item of items) {
      const task = decoder.orders.get(item.key);
      if (task === undefined) continue;
      takeBack(decoder, task);
      if ('content' in item) {
        task.content = item.content;
        decoded.push(task);
        continue;
      }
      giveFrameBack(task);
      if (task.over) continue;
      // The decoder gave up by itself. Its clock also runs in a freeze.
      if (item.error.code === 'decode_timeout' && isFirstLateness(decoder, task)) {
        retryAlone(task);
        suspects.push(task);
      } else task.settle({ error: item.error });
    }
    dispatch();
    onDecoded(decoded);
  }

  function takeBack(decoder: DecoderProcess, task: Task): void {
    decoder.orders.delete(task.key);
    returnMemory(decoder, task.key);
  }

  function giveFrameBack(task: Task): void {
    if (task.frame !== undefined) frames.giveBack(task.frame);
    task.frame = undefined;
  }

  /** Only the end of its process interrupts a decoder. An item is retried alone once. */
  function settleLate(decoder: DecoderProcess, key: number): void {
    const task = decoder.orders.get(key);
    if (task === undefined) return;
    const isFirst = isFirstLateness(decoder, task);
    if (isFirst) retryAlone(task);
    else task.settle({ error: { code: 'decode_timeout', message: 'decoding took too long' } });
    onSignOfLife();
    decoder.replacing ??= setTimeout(() => replace(decoder), isFirst ? REPLACE_DELAY_MS : 0);
  }

  /** Until the process is replaced, an item may be called late twice. */
  const isFirstLateness = ({ replacing }: DecoderProcess, task: Task) => !task.wasLate || replacing !== undefined;

  function retryAlone(task: Task): void {
    task.wasLate = true;
    task.decoding.isSuspect = true;
  }

  function replace(decoder: DecoderProcess): void {
    requeue(remove(decoder));
    decoder.process.kill();
    saysReplaced(decoder, 'decoding took too long');
    dispatch();
    onDecoded([]);
  }

  async function giveMemory(decoder: DecoderProcess, { key, bytes }: DecoderReply & { type: 'heavy' }): Promise<void> {
    decoder.memory.set(key, 'waits');
    const giveBack = await memory.take(bytes);
    if (!all.has(decoder) || !decoder.orders.has(key)) return giveBack();
    decoder.memory.set(key, giveBack);
    decoder.process.send({ type: 'memory', key });
    watch(decoder);
  }

  function returnMemory(decoder: DecoderProcess, key: number): void {
    const held = decoder.memory.get(key);
    if (typeof held === 'function') held();
    decoder.memory.delete(key);
  }

  /**
   * Forgets a process. Returns what it decoded. Its frames become free when it is gone, since until then it may write to
   * them.
   */
  function remove(decoder: DecoderProcess): Task[] {
    all.delete(decoder);
    clearTimeout(decoder.replacing);
    decoder.endStall?.();
    for (const key of [...decoder.memory.keys()]) returnMemory(decoder, key);
    const tasks = [...decoder.orders.values()];
    const held = tasks.map(({ frame }) => frame).filter((frame) => frame !== undefined);
    for (const task of tasks) task.frame = undefined;
    decoder.orders.clear();
    freeAtEnd.set(decoder, held);
    const ended = decoder.ended.promise;
    ending.add(ended);
    void ended.then(() => ending.delete(ended));
    const readings = [...decoder.readings.values()];
    decoder.readings.clear();
    for (const { tasks: unread, onRead } of readings) send({ tasks: unread.filter(({ over }) => !over), onRead });
    return tasks;
  }
  function exited(decoder: DecoderProcess, end: ProcessEnd): void {
    if (all.has(decoder)) {
      const victims = remove(decoder).filter(({ over }) => !over);
      if (!isOver) died(decoder, victims, end);
    }
    decoder.ended.resolve();
    if (isOver) return;
    dispatch();
    // Those that are ready may have waited for its items.
    onDecoded([]);
  }

  function gone(decoder: DecoderProcess): void {
    for (const frame of freeAtEnd.get(decoder) ?? []) frames.giveBack(frame);
    freeAtEnd.delete(decoder);
    dispatch();
  }

  function died(decoder: DecoderProcess, victims: Task[], end: ProcessEnd): void {
    const { isGuilty, hopeless } = blame.died(
      victims.map((task) => task.decoding),
      end,
      decoder.wasReady,
    );
    if (isGuilty)
      victims[0]?.settle({
        error: { code: 'decode_failed', message: `the decoder process died of this ${one}: ${end.reason}` },
      });
    requeue(victims);
    if (hopeless === undefined) saysReplaced(decoder, end.reason);
    else
      onUnavailable(new InferenceUnavailableError(`The decoder process of model "${name}" ${hopeless}: ${end.reason}`));
  }

  function saysReplaced({ process: { pid } }: DecoderProcess, reason: string): void {
    if (!hasWork()) return;
    process.stderr.write(`The decoder process ${pid} of model "${name}" is replaced: ${reason}.\n`);
    onSignOfLife();
  }

  /** Puts items back, before those that wait. */
  function requeue(tasks: readonly Task[]): void {
    const left = tasks.filter(({ over }) => !over);
    suspects = [...left.filter((task) => task.decoding.isSuspect), ...suspects];
    queue = [...left.filter((task) => !task.decoding.isSuspect), ...queue];
  }

  function dispatch(): void {
    if (isOver) return;
    suspects = suspects.filter(({ over }) => !over);
    queue = queue.filter(({ over }) => !over);
    startFor(0);
    if (decoding === undefined) return;
    const orders = new Map<DecoderProcess, Task[]>();
    const give = (decoder: DecoderProcess, task: Task, frame: number) => {
      task.frame = frame;
      decoder.orders.set(task.key, task);
      orders.set(decoder, [...(orders.get(decoder) ?? []), task]);
      const home = homes.get(task);
      if (home !== undefined && home !== decoder) forgetIn(home, [task]);
      homes.delete(task);
    };
    const kept = suspects.length > 0 ? isolate(give) : undefined;
    const ready = [...all].filter(
      (each) => each !== kept && !isIsolated(each) && each.orders.size <= each.threads * FEW_PER_THREAD,
    );
    // An item each, in turns, so that no process waits while another has several.
    const rounds = Math.max(0, ...ready.map(({ threads }) => threads * ORDERS_PER_THREAD));
    for (let round = 0; round < rounds; round++) {
      const taking = ready.filter(
        ({ orders: { size }, threads }) => size <= round && size < threads * ORDERS_PER_THREAD,
      );
      for (const decoder of taking) {
        const place = queue.length === 0 ? undefined : placeFor(decoder);
        const frame = place === undefined ? undefined : frames.take();
        if (place === undefined || frame === undefined) continue;
        give(decoder, queue.splice(place, 1)[0] as Task, frame);
      }
    }
    for (const [decoder, tasks] of orders) {
      decoder.process.send({ type: 'decode', orders: tasks.map(orderOf) });
      watch(decoder);
    }
  }

  /** Keeps the least busy process free of other items, and gives it the next suspect when it is idle. */
  function isolate(give: (decoder: DecoderProcess, task: Task, frame: number) => void): DecoderProcess | undefined {
    if ([...all].some(isIsolated)) return undefined;
    const [calmest] = [...all].sort((a, b) => a.orders.size - b.orders.size);
    if (calmest === undefined || calmest.orders.size > 0 || calmest.replacing !== undefined) return calmest;
    const frame = frames.take();
    const suspect = frame === undefined ? undefined : suspects.shift();
    if (suspect !== undefined) give(calmest, suspect, frame as number);
    return calmest;
  }

  const isIsolated = ({ orders }: DecoderProcess) => [...orders.values()].some((task) => task.decoding.isSuspect);

  /** The place of the next item for a process: one whose content it has or nobody has, else any if it would idle. */
  function placeFor(decoder: DecoderProcess): number | undefined {
    const place = queue.findIndex((task) => {
      const home = homes.get(task);
      return home === undefined || home === decoder || !all.has(home);
    });
    if (place >= 0) return place;
    return decoder.orders.size < decoder.threads ? 0 : undefined;
  }

  /** Sends files to be read to the processes, in even parts. */
  function send({ tasks, onRead }: Reading): void {
    if (tasks.length === 0 || isOver) {
      onRead();
      return;
    }
    startFor(tasks.length);
    const decoders = [...all];
    const size = Math.ceil(tasks.length / decoders.length);
    let left = Math.ceil(tasks.length / size);
    const onPartRead = () => {
      left -= 1;
      if (left === 0) onRead();
    };
    for (const [i, decoder] of decoders.entries()) {
      const part = tasks.slice(i * size, (i + 1) * size);
      if (part.length === 0) break;
      lastReading += 1;
      decoder.readings.set(lastReading, { tasks: part, onRead: onPartRead });
      for (const task of part) homes.set(task, decoder);
      const files = part.map(({ key, item }) => ({ key, path: 'path' in item ? item.path : '' }));
      decoder.process.send({ type: 'read', id: lastReading, files });
      watch(decoder);
    }
  }

  function forgetIn(decoder: DecoderProcess, tasks: readonly Task[]): void {
    if (all.has(decoder)) decoder.process.send({ type: 'forget', keys: tasks.map(({ key }) => key) });
  }

  /** Ends a process that has work and says nothing. Each step has a shorter deadline of its own, unless all hangs. */
  function watch(decoder: DecoderProcess): void {
    // One that waits for memory says nothing, and others may take long.
    const waits = [...decoder.memory.values()].includes('waits');
    if (waits || (decoder.orders.size === 0 && decoder.readings.size === 0)) {
      decoder.endStall?.();
      decoder.endStall = undefined;
      return;
    }
    const ms = settings.stallTimeoutMs * STALL_SHARE;
    decoder.endStall ??= afterTicks(ms, () =>
      decoder.process.killHung(`it did not answer for ${Math.round(ms / 1000)} s`),
    );
  }

  const hasWork = () =>
    queue.length > 0 ||
    suspects.length > 0 ||
    [...all].some(({ orders, readings }) => orders.size > 0 || readings.size > 0);

  return {
    open(plan) {
      decoding = plan;
      for (const { process: each, threads } of all) each.send({ type: 'open', decoding, threads });
      dispatch();
    },
    read: (tasks) => new Promise((onRead) => send({ tasks, onRead })),
    decode(tasks) {
      queue.push(...tasks);
      dispatch();
    },
    forget(tasks) {
      const hashed = tasks.filter(({ content }) => content !== undefined);
      for (const [home, kept] of Map.groupBy(hashed, (task) => homes.get(task))) {
        if (home !== undefined) forgetIn(home, kept);
        for (const task of kept) homes.delete(task);
      }
    },
    dispatch,
    isDecoding: () =>
      [...all].some(({ orders }) => orders.size > 0) || (queue.length + suspects.length > 0 && frames.hasFree()),
    hasWork,
    pids: () => [...all].map(({ process: { pid } }) => pid).filter((pid) => pid !== undefined),
    async end() {
      isOver = true;
      for (const decoder of [...all]) {
        remove(decoder);
        decoder.process.kill();
      }
      await Promise.all(ending);
    },
    tasks: () => [
      ...suspects,
      ...queue,
      ...[...all].flatMap(({ orders, readings }) => [
        ...orders.values(),
        ...[...readings.values()].flatMap((reading) => reading.tasks),
      ]),
    ],
  };
}

function orderOf({ key, frame, item, content }: Task) {
  const file: FileItem = 'path' in item ? { path: item.path } : { bytes: bytesOf(item), content: content ?? '' };
  return { key, frame: frame as number, ...file };
}

function bytesOf(item: Task['item']): Uint8Array {
  if (!('bytes' in item)) throw new TypeError('A value has nothing to decode.');
  return item.bytes;
}

const filesOf = (readings: Map<number, Reading>) => sum(readings.values(), ({ tasks }) => tasks.length);

function sum<T>(items: Iterable<T>, of: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}
