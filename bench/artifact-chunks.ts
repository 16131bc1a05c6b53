import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ArtifactChunk } from '../core/artifact/artifact-chunk.ts';

const DOCS = join(import.meta.dirname, '../docs');
const CHARACTERS = 1000;

/** Chunks of 1,000 characters of our own documentation. It is shorter, so later chunks begin at other places in it. */
export function artifactChunks(count: number): ArtifactChunk[] {
  const names = readdirSync(DOCS)
    .filter((name) => name.endsWith('.md'))
    .sort();
  const all = names.map((name) => readFileSync(join(DOCS, name), 'utf8')).join('\n');
  return Array.from({ length: count }, (_, n) => {
    const start = (n * 977) % (all.length - CHARACTERS);
    const text = all.slice(start, start + CHARACTERS);
    const document = `docs/${names[n % names.length]}`;
    return { n, document, part: n, headings: ['Plimsoll', 'Documentation'], start, end: start + CHARACTERS, text };
  });
}
