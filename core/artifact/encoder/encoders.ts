import { availableParallelism } from 'node:os';
import { type EncoderProcess, startEncoder } from './encoder-process.ts';

/** Frames of an order: about a quarter of a second of work. */
const ORDER_FRAMES = 16;

/** Processes that make frames, a core each. */
export interface Encoders {
  /** How many processes there are at most. */
  readonly most: number;
  /** Process IDs of those that have started. */
  pids(): number[];
  /**
   * Makes the frames of the texts, in their order. `onSamples` is told of each part that is made.
   *
   * @throws Error if a frame can't be made, or a process ends
   */
  encode(texts: readonly string[], onSamples?: (samples: Uint8Array[]) => void): Promise<Uint8Array[]>;
  /** Ends all processes. What is being encoded fails. */
  close(): void;
}

/** Creates a pool that starts processes when there is work for them. */
export function createEncoders(most = availableParallelism()): Encoders {
  const all: EncoderProcess[] = [];
  const idle: EncoderProcess[] = [];
  let isClosed = false;
  const waiting: ((encoder: EncoderProcess) => void)[] = [];

  async function take(): Promise<EncoderProcess> {
    if (isClosed) throw new Error('The processes that encode frames were ended.');
    const free = idle.pop();
    if (free !== undefined) return free;
    if (all.length === most) return new Promise((resolve) => waiting.push(resolve));
    const encoder = startEncoder();
    all.push(encoder);
    return encoder;
  }

  function release(encoder: EncoderProcess): void {
    const next = waiting.shift();
    if (next === undefined) idle.push(encoder);
    else next(encoder);
  }

  return {
    most,
    pids: () => all.flatMap(({ pid }) => pid ?? []),
    async encode(texts, onSamples) {
      const parts = Array.from({ length: Math.ceil(texts.length / ORDER_FRAMES) }, async (_, part) => {
        const encoder = await take();
        try {
          const samples = await encoder.ask({ texts: texts.slice(part * ORDER_FRAMES, (part + 1) * ORDER_FRAMES) });
          onSamples?.(samples);
          return samples;
        } finally {
          release(encoder);
        }
      });
      return (await Promise.all(parts)).flat();
    },
    close() {
      isClosed = true;
      for (const encoder of all) encoder.kill();
    },
  };
}
