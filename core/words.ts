/** Words of a text in the form in which they are compared. */
import { stemmer } from 'stemmer';

/** A word of a text. */
export interface Word {
  /** Without case, accents and English endings: `Résumés` and `resume` are the same word. */
  form: string;
  /** The place where it stands in the text, in UTF-16 code units. */
  start: number;
  end: number;
}

const RUN = /[\p{L}\p{N}\p{M}]+/gu;
/** Scripts without spaces between words: Han, kana, Thai, Lao, Khmer, Burmese. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu;
/** A script whose single characters are words, too: 猫 is a cat. */
const HAN = /^\p{Script=Han}$/u;
const PLAIN = /^[a-z0-9]*$/;
const MARKS = /\p{M}/gu;
/** A longer run of letters is data, and no word that anybody looks for. */
const LONGEST = 64;

const forms = new Map<string, string>();
const MOST_FORMS = 50_000;

/**
 * The words of a text, in the order of their beginnings. A run of a script without spaces gives each two neighbouring
 * characters, as search engines do, and in Chinese and Japanese each ideograph by itself.
 */
export function* wordsIn(text: string): Generator<Word> {
  for (const { 0: run, index } of text.matchAll(RUN)) {
    if (run.length > LONGEST && !isUnspaced(run)) continue;
    if (run.charCodeAt(0) < 0x2e80 && !isUnspaced(run)) {
      yield { form: formOf(run), start: index, end: index + run.length };
      continue;
    }
    let from = 0;
    for (const { 0: unspaced, index: at } of run.matchAll(UNSPACED)) {
      if (at > from) yield { form: formOf(run.slice(from, at)), start: index + from, end: index + at };
      yield* pairsIn(unspaced, index + at);
      from = at + unspaced.length;
    }
    if (from < run.length) yield { form: formOf(run.slice(from)), start: index + from, end: index + run.length };
  }
}

const isUnspaced = (run: string) => run.search(UNSPACED) !== -1;

function* pairsIn(run: string, at: number): Generator<Word> {
  const characters = [...run];
  let start = at;
  for (const [i, one] of characters.entries()) {
    const end = start + one.length;
    const two = characters[i + 1];
    if (characters.length === 1 || HAN.test(one)) yield { form: one.normalize('NFKC'), start, end };
    if (two !== undefined) yield { form: (one + two).normalize('NFKC'), start, end: end + two.length };
    start = end;
  }
}

/** The forms that a query looks for: those of its words. An ideograph that is part of a longer word is none. */
export function formsToFind(query: string): Set<string> {
  const words = [...wordsIn(query)];
  const isPartOf = (word: Word, other: Word | undefined) =>
    other !== undefined && other.start <= word.start && other.end >= word.end;
  return new Set(
    words.filter((word, i) => !isPartOf(word, words[i - 1]) && !isPartOf(word, words[i + 1])).map(({ form }) => form),
  );
}

function formOf(word: string): string {
  const known = forms.get(word);
  if (known !== undefined) return known;
  const lower = word.toLowerCase();
  const bare = PLAIN.test(lower) ? lower : lower.normalize('NFKD').replace(MARKS, '').replaceAll('ß', 'ss');
  const form = PLAIN.test(bare) ? stemmer(bare) : bare;
  if (forms.size >= MOST_FORMS) forms.clear();
  forms.set(word, form);
  return form;
}

/** FNV-1a, 32 bits, over UTF-16 code units. */
export function hashOfWord(word: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i += 1) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  // The last steps of MurmurHash3: FNV's high bits of short words differ little.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
