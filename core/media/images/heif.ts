/**
 * Decodes HEIC in threads. A thread starts with the first picture and ends when none has come for a while, so a process
 * without HEIC loads nothing of it.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterTicks } from '../../concurrency/after-ticks.ts';
import { ImageError } from './image-error.ts';

/** RGBA of 8 bits, row by row, as the picture is displayed. */
export interface HeifPixels {
  width: number;
  height: number;
  pixels: Uint8Array;
}

/** A thread's reply. `error` holds libheif's words. */
export type HeifReply = HeifPixels | { error: string };

const THREAD = new URL(`heif-thread${extname(import.meta.url)}`, import.meta.url);
/** A thread keeps the memory of its largest picture, so it does not stay long. */
const IDLE_MS = 5000;

const idle = new Map<Worker, NodeJS.Timeout>();

/**
 * Decodes the primary picture of a HEIF file.
 *
 * @throws ImageError decode_timeout, and its thread is ended; decode_failed or unsupported_format
 */
export async function decodeHeif(content: Uint8Array, timeoutSeconds: number): Promise<HeifPixels> {
  const worker = takeThread();
  let endCount = () => 0;
  let isReusable = false;
  try {
    const reply = await new Promise<HeifReply>((resolve, reject) => {
      endCount = afterTicks(timeoutSeconds * 1000, () =>
        reject(new ImageError('decode_timeout', 'decoding took too long')),
      );
      worker.once('message', resolve);
      worker.once('error', (error) => resolve({ error: error.message }));
      worker.once('exit', () => resolve({ error: 'the decoder stopped' }));
      worker.postMessage(content);
    });
    if ('error' in reply) throw failureOf(reply.error);
    isReusable = true;
    return reply;
  } finally {
    endCount();
    for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
    // A damaged picture may leave libheif in any state.
    if (isReusable) keepThread(worker);
    else void worker.terminate();
  }
}

function takeThread(): Worker {
  const [worker] = idle.keys();
  if (worker === undefined) return new Worker(THREAD, { execArgv: [], stdout: true, stderr: true });
  clearTimeout(idle.get(worker));
  idle.delete(worker);
  worker.ref();
  return worker;
}

function keepThread(worker: Worker): void {
  worker.unref();
  const end = () => {
    idle.delete(worker);
    void worker.terminate();
  };
  worker.once('exit', end);
  idle.set(worker, setTimeout(end, IDLE_MS).unref());
}

function failureOf(words: string): ImageError {
  const line = words.split('\n', 1)[0] ?? '';
  return /unsupported/i.test(line)
    ? new ImageError('unsupported_format', `this HEIC can't be decoded: ${line}`)
    : new ImageError('decode_failed', `the file is damaged: ${line}`);
}
