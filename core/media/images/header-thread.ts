/**
 * A thread that reads headers: it receives chunks of files and returns their outcomes. Started by header-threads.ts.
 */
import { parentPort } from 'node:worker_threads';
import { readHeaderSync, type ThreadRequest } from './header-bytes.ts';

const READY = null;

type Message = { path?: string | Uint8Array; head?: Uint8Array; sizeBytes: number };

parentPort?.on('message', (files: Message[]) => {
  parentPort?.postMessage(files.map((file) => readHeaderSync(withBuffer(file))));
});
parentPort?.postMessage(READY);

/** Messages turn a Buffer into a plain Uint8Array. This restores the Buffer. */
function withBuffer({ path, head, sizeBytes }: Message): ThreadRequest {
  if (head !== undefined) return { head, sizeBytes };
  return { path: typeof path === 'string' ? path : Buffer.from(path as Uint8Array), sizeBytes };
}
