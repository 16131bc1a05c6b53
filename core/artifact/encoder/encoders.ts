import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Program } from '../../processes/killable-process.ts';
import { createProcessPool } from '../../processes/process-pool.ts';

/** The child's file has this file's extension: sources run with type stripping, the package as plain JavaScript. */
const PROGRAM: Program = {
  file: fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url)),
  does: 'encodes frames',
  execArgv: [],
  threads: 1,
};

/** Frames of an order: about a third of a second of work. */
const ORDER_FRAMES = 16;
const ORDER_TIMEOUT_MS = 120_000;

/** Processes that make frames, a core each. */
export interface Encoders {
  /** How many processes there are at most. */
  readonly most: number;
  /** Process IDs of the live processes. */
  pids(): number[];
  /**
   * Makes the frames of the texts, in their order. `onSamples` is told of each part that is made.
   *
   * @throws Error if a frame can't be made, or a process ends or is late
   */
  encode(texts: readonly string[], onSamples?: (samples: Uint8Array[]) => void): Promise<Uint8Array[]>;
  /** Ends all processes. What is being encoded fails. */
  close(): void;
}

/** Creates processes when there is work for them. */
export function createEncoders(most = availableParallelism()): Encoders {
  const pool = createProcessPool(PROGRAM, { most });
  let isClosed = false;

  async function encodePart(texts: readonly string[]): Promise<Uint8Array[]> {
    // The pool would start another process.
    if (isClosed) throw new Error('The processes that encode frames were ended.');
    return (await pool.ask(texts, ORDER_TIMEOUT_MS)) as Uint8Array[];
  }

  return {
    most,
    pids: pool.pids,
    async encode(texts, onSamples) {
      const parts = Array.from({ length: Math.ceil(texts.length / ORDER_FRAMES) }, async (_, part) => {
        const samples = await encodePart(texts.slice(part * ORDER_FRAMES, (part + 1) * ORDER_FRAMES));
        onSamples?.(samples);
        return samples;
      });
      return (await Promise.all(parts)).flat();
    },
    close() {
      isClosed = true;
      pool.close();
    },
  };
}
