import type { Embedder } from '../../core/embedding/embedder.ts';
import { createStandIn } from './stand-in-embedder.ts';

/** A stand-in whose batches of one model can be held back. */
export interface GatedEmbedder extends Embedder {
  /** Holds the batches of a model after its first `batches`, until it is released. */
  hold(model: string, batches?: number): void;
  release(): void;
}

export function createGatedEmbedder(): GatedEmbedder {
  const standIn = createStandIn();
  let gate = Promise.withResolvers<void>();
  let held: string | undefined;
  let left = 0;
  return {
    ...standIn,
    async embed(model, medium, items, options = {}) {
      if (held !== undefined && model.startsWith(held)) {
        left -= 1;
        if (left < 0) await Promise.race([gate.promise, aborted(options.signal)]);
      }
      return standIn.embed(model, medium, items, options);
    },
    hold(model, batches = 0) {
      gate = Promise.withResolvers();
      [held, left] = [model, batches];
    },
    release() {
      held = undefined;
      gate.resolve();
    },
  };
}

const aborted = (signal: AbortSignal | undefined) =>
  new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
