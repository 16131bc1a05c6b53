import { setTimeout as delay } from 'node:timers/promises';
import type { Embedder, EmbeddingModel } from '../../core/embedding/embedder.ts';

/** What a stand-in for a device can do. */
export interface StandInOptions {
  /** Items per second; omitted for as many as come. */
  perSecond?: number;
}

const MODEL: EmbeddingModel = {
  name: 'stand-in',
  revision: '000000000000',
  key: 'stand-in@000000000000',
  dim: 8,
  batchSize: 32,
  device: 'cpu',
};

/**
 * An embedder without a model, for tests of what is around one. It does one batch after the other, like a device.
 * Items must have their hash, as those that are encoded from metadata have.
 */
export function createStandIn({ perSecond }: StandInOptions = {}): Embedder {
  let freeAt = 0;
  return {
    open: async () => MODEL,
    async embed(_model, _medium, items, { findKnown, onSignOfLife } = {}) {
      const contents = items.map((item) => ('content' in item ? item.content : ''));
      const known = (await findKnown?.(contents)) ?? new Set();
      if (perSecond !== undefined) {
        const now = performance.now();
        freeAt = Math.max(freeAt, now) + (items.length / perSecond) * 1000;
        await delay(freeAt - now);
      }
      onSignOfLife?.();
      return contents.map((content) =>
        known.has(content)
          ? { known: true as const, content }
          : { vector: new Float32Array(MODEL.dim).fill(MODEL.dim ** -0.5), content },
      );
    },
    close: async () => undefined,
  };
}
