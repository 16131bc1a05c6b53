import { countForms } from '../../words.ts';

/**
 * The built-in model of texts: hashed words and parts of words, nothing learned. Two texts are near if they share rare
 * words, or words that are spelled alike; words of the same meaning are not near.
 *
 * A vector is a signed sum of features (Weinberger et al., 2009, "Feature hashing for large scale multitask learning"):
 * each word and each four letters of a word add their weight to one element, with a sign that is part of the hash, so
 * that features which share an element cancel out on average.
 */
export function hashedWords(text: string, dim: number): Float32Array<ArrayBuffer> {
  const vector = new Float32Array(dim);
  for (const [form, times] of countForms(text)) {
    // A word that comes ten times tells more than one that comes once, but not ten times as much.
    const weight = (1 + Math.log(times)) * weightOf(form.text);
    add(vector, form.hash, weight);
    const each = (PARTS * weight) / Math.sqrt(form.parts.length);
    for (const part of form.parts) add(vector, part, each);
  }
  return vector;
}

/** The weight of all parts of a word together, beside 1 of the word itself. See test/search/recall.test.ts. */
const PARTS = 1;
/** Words of so many letters have their whole weight. Shorter ones are mostly those that every text has. */
const RARE_LETTERS = 6;

const weightOf = ({ length }: string) => Math.min(1, length / RARE_LETTERS) ** 2;

function add(vector: Float32Array, hash: number, weight: number): void {
  const index = (hash >>> 1) % vector.length;
  vector[index] = (vector[index] as number) + (hash & 1 ? weight : -weight);
}
