import type { ArtifactChunk } from '../../core/artifact/artifact-chunk.ts';
import { type WriteOptions, writeArtifact } from '../../core/artifact/write-artifact.ts';

// Processes of their own import this, so it imports nothing of Vitest.

/** Chunks with these texts, of one document. */
export function chunksOf(texts: readonly string[]): ArtifactChunk[] {
  let start = 0;
  return texts.map((text, n) => {
    const chunk = { n, document: 'notes/plan.md', part: n, headings: ['Plan'], start, end: start + text.length, text };
    start += text.length;
    return chunk;
  });
}

/** Chunks of a sentence each, all different. */
export const sentences = (count: number): ArtifactChunk[] =>
  chunksOf(Array.from({ length: count }, (_, n) => `This is sentence ${n}, and ${n * n} is its number squared.`));

export async function* oneByOne(chunks: readonly ArtifactChunk[]): AsyncGenerator<ArtifactChunk> {
  yield* chunks;
}

export const write = (target: string, chunks: readonly ArtifactChunk[], options: Partial<WriteOptions> = {}) =>
  writeArtifact(oneByOne(chunks), { target, dataset: 'notes', createdAt: '2026-11-27T10:00:00Z', ...options });
