import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomNumbers } from '../scripts/random-numbers.ts';
import type { BenchContext } from './context.ts';

/** Sections of a document. Each is a chunk. */
const SECTIONS = 20;
/** A section's sentences and the words of each: about 1 KB of text, and 200 tokens. */
const SENTENCES = 12;
const WORDS = 13;
/** Words of the language that the documents are written in. */
const VOCABULARY = 30_000;

/** A folder of documents, the number of their chunks, and questions with words that they have. */
export interface TextFolder {
  folder: string;
  documents: number;
  questions: string[];
}

/** Returns a folder of Markdown documents with `chunks` chunks of about 1 KB. Creates it unless an earlier run did. */
export async function textFolder(context: BenchContext, chunks: number): Promise<TextFolder> {
  const folder = join(context.imagesDir, `text-${chunks}`);
  const documents = Math.ceil(chunks / SECTIONS);
  const words = createWords();
  const questions = Array.from({ length: 200 }, (_, n) => {
    const random = randomNumbers(n + 1_000_000);
    return Array.from({ length: 5 }, () => words(random)).join(' ');
  });
  const made = join(folder, '.made');
  if ((await readFile(made, 'utf8').catch(() => '')) === String(chunks)) return { folder, documents, questions };
  context.report(`making ${documents} documents in ${folder}`);
  await mkdir(folder, { recursive: true });
  for (let n = 0; n < documents; n += 1) {
    const sections = Math.min(SECTIONS, chunks - n * SECTIONS);
    await writeFile(join(folder, `document-${String(n).padStart(6, '0')}.md`), documentOf(n, sections, words));
  }
  await writeFile(made, String(chunks));
  return { folder, documents, questions };
}

function documentOf(n: number, sections: number, word: (random: () => number) => string): string {
  const random = randomNumbers(n + 1);
  const sentence = () => {
    const all = Array.from({ length: WORDS }, () => word(random)).join(' ');
    return `${all.charAt(0).toUpperCase()}${all.slice(1)}.`;
  };
  return Array.from({ length: sections }, (_, i) => {
    const text = Array.from({ length: SENTENCES }, sentence).join(' ');
    return `## ${word(random)} ${n}.${i}\n\n${text}\n`;
  }).join('\n');
}

/** Words of which few are frequent, as in every language (Zipf's law). */
function createWords(): (random: () => number) => string {
  const random = randomNumbers(7);
  const syllables = ['ba', 'con', 'di', 'er', 'fo', 'gal', 'in', 'ker', 'lo', 'mun', 'ra', 'sta', 'ti', 'ver'];
  const words = Array.from({ length: VOCABULARY }, (_, rank) =>
    Array.from({ length: 1 + Math.floor(Math.log10(rank + 1) / 1.5) + Math.floor(2 * random()) }, () =>
      syllables.at(Math.floor(syllables.length * random())),
    ).join(''),
  );
  const sums: number[] = [];
  let sum = 0;
  for (let rank = 0; rank < VOCABULARY; rank += 1) {
    sum += 1 / (rank + 2.7);
    sums.push(sum);
  }
  return (next) => {
    const at = next() * sum;
    let [low, high] = [0, VOCABULARY - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) < at) low = middle + 1;
      else high = middle;
    }
    return words[low] as string;
  };
}
