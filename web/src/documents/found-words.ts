import type { Found } from '../grid/found.ts';
import { count, scoreWords } from '../words.ts';

/** The property that vectors of a model compare: the built-in model of documents knows no meaning. */
export const comparedBy = (modelKey: string | undefined): 'meaning' | 'spelling' =>
  modelKey?.startsWith('hashed-words@') ? 'spelling' : 'meaning';

/** How a chunk was found: by what and, in full, at which places. */
export function foundWords({ mode, model, score, ranks }: Omit<Found, 'marks'>): {
  short: string;
  long: string;
} {
  if (mode === 'vector') return { short: scoreWords(score), long: `cosine ${score.toFixed(4)}` };
  if (mode === 'words') return { short: 'words', long: `words, BM25 ${score.toFixed(2)}` };
  const { vector, words } = ranks ?? {};
  const by = [
    ...(vector === undefined ? [] : [{ what: comparedBy(model), place: vector }]),
    ...(words === undefined ? [] : [{ what: 'words', place: words }]),
  ];
  return {
    short: by.map(({ what }) => what).join(' + '),
    long: by.map(({ what, place }) => `${what} #${count(place)}`).join(' · '),
  };
}
