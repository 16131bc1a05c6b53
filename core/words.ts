/** Words of a text in the form in which they are compared. */
import { stemmer } from 'stemmer';

/** A word without case, accents and English endings: `Résumés` and `resume` have one form. */
export class Form {
  readonly text: string;
  /** As `hashOfWord` gives it. */
  readonly hash: number;
  #parts: Uint32Array | undefined;

  constructor(text: string) {
    this.text = text;
    this.hash = hashOfWord(text);
  }

  /** The hashes of each four letters of it, between its beginning and its end, which are letters, too. */
  get parts(): Uint32Array {
    this.#parts ??= Uint32Array.from(partsOf(this.text), hashOfWord);
    return this.#parts;
  }
}

const PART_LETTERS = 4;

function partsOf(text: string): string[] {
  const marked = `^${text}$`;
  if (marked.length <= PART_LETTERS) return [];
  return Array.from({ length: marked.length - PART_LETTERS + 1 }, (_, i) => `#${marked.slice(i, i + PART_LETTERS)}`);
}

/** A word of a text. */
export interface Word {
  form: Form;
  /** The place where it stands in the text, in UTF-16 code units. */
  start: number;
  end: number;
}

const RUN = /[\p{L}\p{N}\p{M}]+/gu;
/** The same for text of ASCII alone, which is found three times as fast. */
const ASCII_RUN = /[A-Za-z0-9]+/g;
const BEYOND_ASCII = /[^\0-\x7f]/;
/** No script without spaces has a character below it: Thai is the first. */
const FIRST_UNSPACED = 0x0e00;
/** Scripts without spaces between words: Han, kana, Thai, Lao, Khmer, Burmese. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu;
/** A script whose single characters are words, too: 猫 is a cat. */
const HAN = /^\p{Script=Han}$/u;
const PLAIN = /^[a-z0-9]*$/;
const MARKS = /\p{M}/gu;
/** A longer run of letters is data, and no word that anybody looks for. */
const LONGEST = 64;

/** Forms by the words that have them, and by their own text. Few words make up most of a text. */
const formsOfWords = new Map<string, Form>();
const forms = new Map<string, Form>();
const MOST_FORMS = 100_000;

/**
 * The words of a text, in the order of their beginnings. A run of a script without spaces gives each two neighbouring
 * characters, as search engines do, and in Chinese and Japanese each ideograph by itself.
 */
export function* wordsIn(text: string): Generator<Word> {
  forgetForms();
  for (const { 0: run, index } of text.matchAll(BEYOND_ASCII.test(text) ? RUN : ASCII_RUN)) {
    if (!isUnspaced(run)) {
      if (run.length <= LONGEST) yield { form: formOf(run), start: index, end: index + run.length };
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

function isUnspaced(run: string): boolean {
  for (let i = 0; i < run.length; i += 1) if (run.charCodeAt(i) >= FIRST_UNSPACED) return run.search(UNSPACED) !== -1;
  return false;
}

function* pairsIn(run: string, at: number): Generator<Word> {
  const characters = [...run];
  let start = at;
  for (const [i, one] of characters.entries()) {
    const end = start + one.length;
    const two = characters[i + 1];
    if (characters.length === 1 || HAN.test(one)) yield { form: formNamed(one.normalize('NFKC')), start, end };
    if (two !== undefined) yield { form: formNamed((one + two).normalize('NFKC')), start, end: end + two.length };
    start = end;
  }
}

/** How often each form comes in a text. */
export function countForms(text: string): Map<Form, number> {
  const times = new Map<Form, number>();
  for (const { form } of wordsIn(text)) times.set(form, (times.get(form) ?? 0) + 1);
  return times;
}

/** The forms that a query looks for: those of its words. An ideograph that is part of a longer word is none. */
export function formsToFind(query: string): Set<string> {
  const words = [...wordsIn(query)];
  const isPartOf = (word: Word, other: Word | undefined) =>
    other !== undefined && other.start <= word.start && other.end >= word.end;
  return new Set(
    words
      .filter((word, i) => !isPartOf(word, words[i - 1]) && !isPartOf(word, words[i + 1]))
      .map(({ form }) => form.text),
  );
}

function formOf(word: string): Form {
  const known = formsOfWords.get(word);
  if (known !== undefined) return known;
  const lower = word.toLowerCase();
  const bare = PLAIN.test(lower) ? lower : lower.normalize('NFKD').replace(MARKS, '').replaceAll('ß', 'ss');
  const form = formNamed(PLAIN.test(bare) ? stemmer(bare) : bare);
  formsOfWords.set(word, form);
  return form;
}

/** The form with this text: one object, so that forms are counted without a look at their letters. */
function formNamed(text: string): Form {
  const known = forms.get(text);
  if (known !== undefined) return known;
  const form = new Form(text);
  forms.set(text, form);
  return form;
}

/** Bounds the memory. Called between texts, because within one a form must stay one object. */
function forgetForms(): void {
  if (formsOfWords.size < MOST_FORMS && forms.size < MOST_FORMS) return;
  formsOfWords.clear();
  forms.clear();
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
