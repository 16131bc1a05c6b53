/**
 * Measures embedding chunks (texts to vectors, with the worker's embedder) against raw ONNX Runtime on the same batches
 * with as many threads. Both take turns within one run.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { EmbedItem } from '../core/embedding/embedder.ts';
import { documentsMedium } from '../core/media/documents/medium.ts';
import { createEmbedder } from '../inference/embedder.ts';
import { rawAnswer } from './raw-answer.ts';

export interface TextEmbeddingBench {
  modelDir: string;
  /** The texts of each batch, the longest batch first. */
  batches: readonly (readonly string[])[];
  rounds: number;
}

/** Chunks per second in each round. */
export interface TextEmbeddingRound {
  raw: number;
  embedder: number;
}

export async function benchTextEmbedding({
  modelDir,
  batches,
  rounds,
}: TextEmbeddingBench): Promise<TextEmbeddingRound[]> {
  const threads = availableParallelism();
  const medium = documentsMedium();
  const count = batches.flat().length;
  const batchSize = Math.max(...batches.map((batch) => batch.length));
  const embedder = createEmbedder({ devices: [{ type: 'cpu' }], batchSize, threads });
  const raw = fork(fileURLToPath(new URL('./raw-texts.ts', import.meta.url)), [modelDir, String(threads)]);
  const items = batches.map((batch) => batch.map((text): EmbedItem => ({ value: { text }, content: text })));

  /** As the embedding activity does: three batches are under way. */
  async function embedAll(left: EmbedItem[][]): Promise<void> {
    const embedNext = async () => {
      for (let batch = left.shift(); batch !== undefined; batch = left.shift()) {
        const outcomes = await embedder.embed(modelDir, medium, batch);
        for (const outcome of outcomes) if ('error' in outcome) throw new Error(outcome.error.message);
      }
    };
    await Promise.all([embedNext(), embedNext(), embedNext()]);
  }

  try {
    await rawAnswer(raw);
    raw.send({ batches });
    await rawAnswer(raw);
    await embedAll(items.slice(0, 1));
    const measured: TextEmbeddingRound[] = [];
    for (let round = 0; round < rounds; round += 1) {
      raw.send({ run: true });
      const rawMs = await rawAnswer(raw);
      const started = performance.now();
      await embedAll([...items]);
      const embedderMs = performance.now() - started;
      measured.push({ raw: (count * 1000) / rawMs, embedder: (count * 1000) / embedderMs });
    }
    return measured;
  } finally {
    raw.disconnect();
    await embedder.close();
  }
}
