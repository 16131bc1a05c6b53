import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ProcessDiedError } from '../../../processes/killable-process.ts';
import { createProcessPool, ProcessLateError, type ProcessPoolOptions } from '../../../processes/process-pool.ts';
import { ImageError } from '../image-error.ts';
import type { Order, Reply, Results } from './messages.ts';

/** A pool of decoder processes, as many as there is work for. */
export interface Decoders {
  /**
   * Sends a request, and kills its process at the deadline. The time starts when a process takes the request, and is
   * counted in ticks of this process. The caller tries again once: the process may have been stopped, or its disk away.
   *
   * @throws ImageError decode_timeout, or decode_failed when the process died from the request
   */
  ask<T extends Order>(order: T, timeoutMs: number): Promise<Results[T['type']]>;
  /** Process IDs of the live processes. */
  pids(): number[];
  /** Ends all processes. Requests in progress fail. */
  close(): void;
}

const PROGRAM = {
  // The child's file has this file's extension: sources run with type stripping, the package as plain JavaScript.
  file: fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url)),
  does: 'decodes images',
  execArgv: ['--max-semi-space-size=2'],
  // A decoder draws one picture at a time but opens several.
  threads: 4,
};

/** Creates a pool that starts processes on demand. */
export function createDecoders(options: ProcessPoolOptions): Decoders {
  const pool = createProcessPool(PROGRAM, options);
  return {
    async ask<T extends Order>(order: T, timeoutMs: number) {
      const reply = (await pool.ask(order, timeoutMs).catch((error: unknown) => {
        if (error instanceof ProcessLateError) throw new ImageError('decode_timeout', 'decoding took too long');
        if (error instanceof ProcessDiedError && error.wasReady) throw new ImageError('decode_failed', error.message);
        throw error;
      })) as Reply;
      if ('refusal' in reply) throw new ImageError(reply.refusal.code, reply.refusal.message);
      return reply.result as Results[T['type']];
    },
    pids: pool.pids,
    close: pool.close,
  };
}
