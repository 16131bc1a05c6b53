import type { EmbedOptions, EmbedOutcome } from '../core/embedding/embedder.ts';
import type { ModelRunner } from './model-runner.ts';

/** Vectors of words that are kept for each text side. */
const KEPT = 64;

/** Words as the runner of a text side takes them. */
export interface Words {
  value: string;
  /** The hash of the text. */
  content: string;
}

/** Embeds words with the runner of a text side. */
export type EmbedWords = (words: readonly Words[], options?: EmbedOptions) => Promise<EmbedOutcome[]>;

/**
 * Keeps the vectors of the last words, because each further page of a search encodes the same ones. A runner's files do
 * not change, so it gives equal words equal vectors.
 */
export function keepLastWords(runner: Pick<ModelRunner, 'embed'>): EmbedWords {
  const kept = new Map<string, EmbedOutcome>();

  function keep(content: string, outcome: EmbedOutcome): void {
    kept.delete(content);
    kept.set(content, outcome);
    if (kept.size > KEPT) kept.delete(kept.keys().next().value as string);
  }

  return async function embedWords(words, options = {}) {
    // `findKnown` has to see all words.
    if (options.findKnown !== undefined) return runner.embed(words, options);
    const fresh = words.filter(({ content }) => !kept.has(content));
    const before = words.map(({ content }) => kept.get(content));
    const outcomes = fresh.length === 0 ? [] : await runner.embed(fresh, options);
    return words.map(({ content }, i) => {
      const outcome = before[i] ?? (outcomes.shift() as EmbedOutcome);
      if ('vector' in outcome) keep(content, outcome);
      return outcome;
    });
  };
}
