/**
 * The threads that read headers, as many as the disk needs: one is enough for a warm cache, while a slow disk needs
 * tens of concurrent reads. They are shared by the process, start with the first chunk, and never keep the process
 * alive.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ParsedHeader } from './header-bytes.ts';
import type { HeaderRequest } from './header-messages.ts';

const THREAD = new URL(`header-thread${extname(import.meta.url)}`, import.meta.url);
/** A thread takes about 20 MB, and exists only while the disk is slow. */
const MAX_THREADS = 16;
/** A thread holds only a chunk's few kilobytes. Without these limits V8 would let garbage fill a large heap. */
const HEAP = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 64 };
/**
 * A chunk of files in a warm cache takes a millisecond. A thread that works on one for this long waits for the disk.
 */
const SLOW_MS = 50;
/** Extra threads of a slow disk stay this long for the next page. */
const IDLE_MS = 2000;

/** Removes the function, which can't be sent to a thread. */
const forThread = ({ path, head, sizeBytes }: HeaderRequest) =>
  path === undefined ? { head, sizeBytes } : { path, sizeBytes };

interface Chunk {
  files: readonly ReturnType<typeof forThread>[];
  resolve: (headers: ParsedHeader[]) => void;
  reject: (error: Error) => void;
}

interface Thread {
  worker: Worker;
  chunk: Chunk | undefined;
  /** When it received its chunk. Infinity until it first reports ready. */
  busySinceMs: number;
}

const threads = new Set<Thread>();
const waiting: Chunk[] = [];
let pulse: NodeJS.Timeout | undefined;
let lastCrowdedMs = 0;

/** Reads the headers of a chunk of files in one of the threads. Rejects only if the thread itself dies. */
export function readInThread(files: readonly HeaderRequest[]): Promise<ParsedHeader[]> {
  return new Promise((resolve, reject) => {
    waiting.push({ files: files.map(forThread), resolve, reject });
    const idle = [...threads].find((thread) => thread.chunk === undefined);
    if (idle) giveChunk(idle);
    else if (threads.size === 0) giveChunk(startThread());
    // Handle pending messages first: a busy caller must not make threads look slow.
    pulse ??= setInterval(() => setImmediate(adjustThreads), SLOW_MS).unref();
  });
}

function startThread(): Thread {
  const worker = new Worker(THREAD, { resourceLimits: HEAP });
  const thread: Thread = { worker, chunk: undefined, busySinceMs: Number.POSITIVE_INFINITY };
  threads.add(thread);
  worker.on('message', (headers: ParsedHeader[] | null) => {
    if (headers === null) {
      thread.busySinceMs = performance.now();
      return;
    }
    thread.chunk?.resolve(headers);
    thread.chunk = undefined;
    giveChunk(thread);
  });
  worker.on('error', (cause) => {
    threads.delete(thread);
    thread.chunk?.reject(new Error('a thread that reads image headers died', { cause }));
    if (waiting.length > 0 && threads.size === 0) giveChunk(startThread());
  });
  return thread;
}

function giveChunk(thread: Thread): void {
  thread.chunk = waiting.shift();
  if (thread.chunk === undefined) {
    thread.worker.unref();
    return;
  }
  if (thread.busySinceMs !== Number.POSITIVE_INFINITY) thread.busySinceMs = performance.now();
  thread.worker.ref();
  thread.worker.postMessage(thread.chunk.files);
}

/** Doubles the threads while all of them wait for the disk. Returns to one when no chunk has waited for a while. */
function adjustThreads(): void {
  const now = performance.now();
  if (waiting.length > 0) {
    lastCrowdedMs = now;
    const isSlow = [...threads].every((thread) => now - thread.busySinceMs > SLOW_MS);
    const added = isSlow ? Math.min(threads.size, waiting.length, MAX_THREADS - threads.size) : 0;
    for (let n = 0; n < added; n++) giveChunk(startThread());
    return;
  }
  if (now - lastCrowdedMs < IDLE_MS) return;
  for (const thread of [...threads].slice(1)) {
    if (thread.chunk) return;
    threads.delete(thread);
    void thread.worker.terminate();
  }
  clearInterval(pulse);
  pulse = undefined;
}
