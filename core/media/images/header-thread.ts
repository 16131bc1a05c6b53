/** A thread that reads headers: a chunk of files in, their outcomes out. Started by header-threads.ts. */
import { parentPort } from 'node:worker_threads';
import type { HeaderRequest } from './header.ts';
import { readHeaderSync } from './header-bytes.ts';

const READY = null;

parentPort?.on('message', (files: { path: string | Uint8Array; sizeBytes: number }[]) => {
  parentPort?.postMessage(files.map((file) => readHeaderSync(withBuffer(file))));
});
parentPort?.postMessage(READY);

/** A Buffer comes through a message as the plain bytes that it is. */
function withBuffer({ path, sizeBytes }: { path: string | Uint8Array; sizeBytes: number }): HeaderRequest {
  return { path: typeof path === 'string' ? path : Buffer.from(path), sizeBytes };
}
