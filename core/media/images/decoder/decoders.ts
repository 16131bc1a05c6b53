import { afterTicks } from '../../../concurrency/after-ticks.ts';
import { ImageError } from '../image-error.ts';
import { DecoderDiedError, type DecoderProcess, startDecoder } from './decoder-process.ts';
import type { Order, Results } from './messages.ts';

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

/** Options of `createDecoders`. */
export interface DecodersOptions {
  /** The most processes. Each handles one request. */
  most: number;
  /** Idle time after which a process ends, in milliseconds. */
  idleMs?: number;
}

const IDLE_MS = 30_000;

/** Creates a pool that starts processes on demand. */
export function createDecoders({ most, idleMs = IDLE_MS }: DecodersOptions): Decoders {
  const all = new Set<DecoderProcess>();
  const idle = new Map<DecoderProcess, NodeJS.Timeout>();
  const waiting: ((decoder: DecoderProcess) => void)[] = [];

  function start(): DecoderProcess {
    const decoder: DecoderProcess = startDecoder(() => {
      all.delete(decoder);
      clearTimeout(idle.get(decoder));
      idle.delete(decoder);
      if (waiting.length > 0 && all.size < most) waiting.shift()?.(start());
    });
    all.add(decoder);
    return decoder;
  }

  async function take(): Promise<DecoderProcess> {
    const [decoder] = [...idle.keys()].slice(-1);
    if (decoder !== undefined) {
      clearTimeout(idle.get(decoder));
      idle.delete(decoder);
      return decoder;
    }
    if (all.size < most) return start();
    return await new Promise((resolve) => waiting.push(resolve));
  }

  function release(decoder: DecoderProcess): void {
    if (!all.has(decoder)) return;
    const next = waiting.shift();
    if (next !== undefined) next(decoder);
    else idle.set(decoder, setTimeout(() => decoder.kill(), idleMs).unref());
  }

  return {
    async ask<T extends Order>(order: T, timeoutMs: number) {
      const decoder = await take();
      let isLate = false;
      let endCount = () => 0;
      try {
        await decoder.ready;
        endCount = afterTicks(timeoutMs, () => {
          isLate = true;
          // The idle processes may have been stopped as well, and the next try would get one of them.
          for (const each of [decoder, ...idle.keys()]) each.kill();
        });
        const reply = await decoder.ask(order);
        if ('refusal' in reply) throw new ImageError(reply.refusal.code, reply.refusal.message);
        if ('fault' in reply) throw new Error(reply.fault);
        return reply.result as Results[T['type']];
      } catch (error) {
        if (isLate) throw new ImageError('decode_timeout', 'decoding took too long');
        if (error instanceof DecoderDiedError && error.wasReady) throw new ImageError('decode_failed', error.message);
        throw error;
      } finally {
        endCount();
        release(decoder);
      }
    },
    pids: () => [...all].map(({ pid }) => pid).filter((pid) => pid !== undefined),
    close() {
      for (const decoder of all) decoder.kill();
    },
  };
}
