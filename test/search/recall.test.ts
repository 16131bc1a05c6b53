import { expect, test } from 'vitest';
import { hashedWords } from '../../core/media/documents/hashed-words.ts';
import { packWords, wordHashes } from '../../core/packed-words.ts';
import { fuse } from '../../core/search/fuse.ts';
import type { Hit } from '../../core/search/read-hits.ts';
import { createPostings } from '../../core/search/words/postings.ts';
import { PASSAGES, QUESTIONS } from '../support/questions.ts';
import { dot, unit } from './vectors.ts';

const DIM = 512;
const WANTED = 5;
const DEPTH = 100;

const vectors = PASSAGES.map((text) => unit(hashedWords(text, DIM)));
const postings = createPostings();
postings.add(
  PASSAGES.map((_, seq) => seq),
  PASSAGES.map(packWords),
);

const hit = (seq: number, score: number): Hit => ({ seq, filepath: '', score });

function byVectors(text: string): Hit[] {
  const query = unit(hashedWords(text, DIM));
  return vectors
    .map((vector, seq) => hit(seq, dot(query, vector)))
    .sort((a, b) => b.score - a.score || a.seq - b.seq)
    .slice(0, DEPTH);
}

function byWords(text: string): Hit[] {
  const { seqs, scores } = postings.find(wordHashes(text), DEPTH);
  return seqs.map((seq, i) => hit(seq, scores[i] as number));
}

const SEARCHES = {
  words: byWords,
  vector: byVectors,
  hybrid: (text: string) => fuse(byVectors(text), byWords(text)),
};

/** The share of the questions whose answer is among the first five hits. */
function recall(search: (text: string) => readonly Hit[], kind?: string): number {
  const asked = QUESTIONS.filter((question) => kind === undefined || question.kind === kind);
  const found = asked.filter(({ text, answer }) =>
    search(text)
      .slice(0, WANTED)
      .some(({ seq }) => seq === answer),
  );
  return found.length / asked.length;
}

test('both searches together find at least as many answers as each alone', () => {
  expect([PASSAGES.length, new Set(PASSAGES).size, QUESTIONS.length]).toEqual([1000, 1000, 200]);
  const [words, vector, hybrid] = [recall(SEARCHES.words), recall(SEARCHES.vector), recall(SEARCHES.hybrid)];
  expect(hybrid).toBeGreaterThanOrEqual(words);
  expect(hybrid).toBeGreaterThanOrEqual(vector);
  // Misspelled words are found by their parts alone.
  expect(recall(SEARCHES.vector, 'other forms')).toBeGreaterThan(5 * recall(SEARCHES.words, 'other forms'));
  expect(recall(SEARCHES.hybrid, 'same words')).toBeGreaterThan(0.95);
});
