/** Embedders for tests, and what tests ask about their processes and outcomes. */
import process from 'node:process';
import { expect } from 'vitest';
import type { EmbedOutcome } from '../../core/embedding/embedder.ts';
import { createEmbedder, type InferenceEmbedder } from '../../inference/embedder.ts';
import type { InferenceSettings } from '../../inference/settings.ts';

/** Opens an embedder with batches of 4 and one thread, unless `options` say otherwise, and closes it. */
export async function withEmbedder(
  options: Partial<InferenceSettings>,
  use: (embedder: InferenceEmbedder) => Promise<void>,
): Promise<void> {
  const embedder = createEmbedder({ batchSize: 4, threads: 1, ...options });
  try {
    await use(embedder);
  } finally {
    await embedder.close();
  }
}

export const onlyPid = (embedder: InferenceEmbedder) => onlyPidOf('encoder', embedder);

export function onlyPidOf(kind: 'encoder' | 'decoder', embedder: InferenceEmbedder): number {
  const [pid, ...others] = kind === 'encoder' ? embedder.childPids() : embedder.decoderPids();
  if (pid === undefined || others.length > 0) throw new Error(`one ${kind} process is expected`);
  return pid;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Expects the wanted vectors, in order. */
export function expectVectors(outcomes: readonly EmbedOutcome[], wanted: readonly Float32Array[]): void {
  expect(outcomes).toHaveLength(wanted.length);
  for (const [n, outcome] of outcomes.entries()) {
    if (!('vector' in outcome)) throw new Error(`no vector: ${JSON.stringify(outcome)}`);
    const vector = wanted[n] as Float32Array;
    const worst = Math.max(...outcome.vector.map((value, i) => Math.abs(value - (vector[i] as number))));
    expect(worst).toBeLessThan(1e-6);
  }
}

/** The vector's code: `vector`, or that of the error. */
export const codeOf = (outcome: EmbedOutcome) => ('error' in outcome ? outcome.error.code : 'vector');
