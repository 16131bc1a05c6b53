import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Embedder, EmbedItem } from '../../core/embedding/embedder.ts';

/** The abilities of a stand-in for a device. */
export interface StandInOptions {
  /** Items per second; omitted for as many as come. */
  perSecond?: number | undefined;
}

const DIM = 8;
const REVISION = '000000000000';

/**
 * An embedder without a model, for tests and measurements of what is around one. It knows every name, does one batch
 * after the other as a device does, and reads no file: a file's path counts as its content.
 */
export function createStandIn({ perSecond }: StandInOptions = {}): Embedder {
  let freeAt = 0;
  return {
    async open(model) {
      const name = model.replace(/@.*/, '');
      return {
        name,
        revision: REVISION,
        key: `${name}@${REVISION}`,
        dim: DIM,
        batchSize: 32,
        device: 'cpu',
        text: true,
      };
    },
    async embed(_model, _medium, items, { findKnown, onSignOfLife } = {}) {
      const contents = items.map(contentOf);
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
          : { vector: new Float32Array(DIM).fill(DIM ** -0.5), content },
      );
    },
    close: async () => undefined,
  };
}

function contentOf(item: EmbedItem): string {
  if ('content' in item) return item.content;
  return createHash('sha256')
    .update('path' in item ? item.path : 'text' in item ? item.text : item.bytes)
    .digest('hex');
}
