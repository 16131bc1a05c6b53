import type { Embedder, EmbedItem } from '../../core/embedding/embedder.ts';
import { createEmbedder } from '../../inference/embedder.ts';
import { settingsFromEnvironment } from '../../inference/settings.ts';

/** An embedder that counts the items that went through a model. */
export interface CountingEmbedder extends Embedder {
  readonly encoded: number;
  /** The items of each call, in the order of the calls. */
  readonly calls: readonly (readonly EmbedItem[])[];
  close(): Promise<void>;
}

export function createCountingEmbedder(): CountingEmbedder {
  const inference = createEmbedder(settingsFromEnvironment(process.env));
  let encoded = 0;
  const calls: (readonly EmbedItem[])[] = [];
  return {
    ...inference,
    async embed(...request) {
      calls.push(request[2]);
      const outcomes = await inference.embed(...request);
      encoded += outcomes.filter((outcome) => 'vector' in outcome).length;
      return outcomes;
    },
    calls,
    get encoded() {
      return encoded;
    },
  };
}
