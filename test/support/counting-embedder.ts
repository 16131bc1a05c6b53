import type { Embedder } from '../../core/embedding/embedder.ts';
import { createEmbedder } from '../../inference/embedder.ts';
import { settingsFromEnvironment } from '../../inference/settings.ts';

/** An embedder that counts the items that went through a model. */
export interface CountingEmbedder extends Embedder {
  readonly encoded: number;
  close(): Promise<void>;
}

export function createCountingEmbedder(): CountingEmbedder {
  const inference = createEmbedder(settingsFromEnvironment(process.env));
  let encoded = 0;
  return {
    ...inference,
    async embed(...request) {
      const outcomes = await inference.embed(...request);
      encoded += outcomes.filter((outcome) => 'vector' in outcome).length;
      return outcomes;
    },
    get encoded() {
      return encoded;
    },
  };
}
