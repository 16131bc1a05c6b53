import type { Embedder, EmbedItem } from '../../core/embedding/embedder.ts';
import { createStandIn } from './stand-in-embedder.ts';

/** A stand-in for lines whose batches of one model can be held back. */
export interface GatedEmbedder extends Embedder {
  /** Holds the batches of a model until it is released, except the one with this line. */
  hold(model: string, line?: string): void;
  release(): void;
}

export function createGatedEmbedder(): GatedEmbedder {
  const standIn = createStandIn();
  let gate = Promise.withResolvers<void>();
  let held: { model: string; line: string | undefined } | undefined;
  return {
    ...standIn,
    async embed(model, medium, items, options) {
      if (held !== undefined && model.startsWith(held.model) && !items.some((item) => textOf(item) === held?.line))
        await gate.promise;
      return standIn.embed(model, medium, items, options);
    },
    hold(model, line) {
      gate = Promise.withResolvers();
      held = { model, line };
    },
    release() {
      held = undefined;
      gate.resolve();
    },
  };
}

const textOf = (item: EmbedItem) => ('value' in item ? (item.value as { text?: unknown }).text : undefined);
