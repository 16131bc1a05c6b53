/** A thread that reads headers: a chunk of files in, their outcomes out. Started by header-threads.ts. */
import { parentPort } from 'node:worker_threads';
import { readHeaderSync, type ThreadRequest } from './header-bytes.ts';

const READY = null;

type Message = { path?: string | Uint8Array; head?: Uint8Array; sizeBytes: number };

parentPort?.on('message', (files: Message[]) => {
  parentPort?.postMessage(files.map((file) => readHeaderSync(withBuffer(file))));
});
parentPort?.postMessage(READY);

/** A Buffer comes through a message as the plain bytes that it is. */
function withBuffer({ path, head, sizeBytes }: Message): ThreadRequest {
  if (head !== undefined) return { head, sizeBytes };
  return { path: typeof path === 'string' ? path : Buffer.from(path as Uint8Array), sizeBytes };
}
