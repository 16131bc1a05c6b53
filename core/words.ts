/** Words of a text in the form in which they are compared. */
import { stemmer } from 'stemmer';
import { createAsciiWords, lowerCode } from './ascii-words.ts';

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

  /** The hashes of its parts: each four letters of `^form$`. */
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

/** A run of letters, digits and marks, from a place on. */
const RUN = /[\p{L}\p{N}\p{M}]+/uy;
/** Scripts without spaces between words: Han, kana, Thai, Lao, Khmer, Burmese. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu;
/** No script without spaces has a character below it: Thai is the first. */
const FIRST_UNSPACED = 0x0e00;
/** A script whose single characters are words, too: 猫 is a cat. */
const HAN = /^\p{Script=Han}$/u;
const PLAIN = /^[a-z0-9]*$/;
const MARKS = /\p{M}/gu;
/** A longer run of letters is data, and no word that anybody looks for. */
const LONGEST = 64;

/** Forms by their own text, and by the words that have them: words of ASCII, and others. */
const forms = new Map<string, Form>();
const formsOfAscii = createAsciiWords((word) => formNamed(stemmer(word)));
const formsOfOthers = new Map<string, Form>();
const MOST_OTHERS = 50_000;

/** Called with a word of a text. See Word. */
type OnWord = (form: Form, start: number, end: number) => void;

/**
 * Calls back with the words of a text, in the order of their beginnings. A run of a script without spaces gives each two
 * neighbouring characters, as search engines do, and in Chinese and Japanese each ideograph by itself.
 */
function eachWord(text: string, onWord: OnWord): void {
  forgetForms();
  const { length } = text;
  for (let at = 0; at < length; ) {
    const end = endOfAscii(text, at);
    const next = end < length ? text.charCodeAt(end) : 0;
    if (next < FIRST_BEYOND_ASCII) {
      if (end > at && end - at <= LONGEST) onWord(formsOfAscii.find(text, at, end), at, end);
      // The character at `end` separates words.
      at = end + 1;
      continue;
    }
    RUN.lastIndex = at;
    const run = RUN.exec(text)?.[0];
    if (run === undefined) at += (text.codePointAt(at) as number) > LAST_OF_ONE_UNIT ? 2 : 1;
    else {
      eachOfRun(run, at, onWord);
      at += run.length;
    }
  }
}

const FIRST_BEYOND_ASCII = 128;
/** Code points above it take two code units. */
const LAST_OF_ONE_UNIT = 0xffff;

/** The end of the ASCII letters and digits from a place on. */
function endOfAscii(text: string, start: number): number {
  let end = start;
  while (end < text.length && lowerCode(text.charCodeAt(end)) !== 0) end += 1;
  return end;
}

function eachOfRun(run: string, at: number, onWord: OnWord): void {
  if (!isUnspaced(run)) {
    if (run.length <= LONGEST) onWord(formOf(run), at, at + run.length);
    return;
  }
  let from = 0;
  for (const { 0: unspaced, index } of run.matchAll(UNSPACED)) {
    if (index > from) onWord(formOf(run.slice(from, index)), at + from, at + index);
    eachPair(unspaced, at + index, onWord);
    from = index + unspaced.length;
  }
  if (from < run.length) onWord(formOf(run.slice(from)), at + from, at + run.length);
}

function isUnspaced(run: string): boolean {
  for (let i = 0; i < run.length; i += 1) if (run.charCodeAt(i) >= FIRST_UNSPACED) return run.search(UNSPACED) !== -1;
  return false;
}

function eachPair(run: string, at: number, onWord: OnWord): void {
  const characters = [...run];
  let start = at;
  for (const [i, one] of characters.entries()) {
    const end = start + one.length;
    const two = characters[i + 1];
    if (characters.length === 1 || HAN.test(one)) onWord(formNamed(one.normalize('NFKC')), start, end);
    if (two !== undefined) onWord(formNamed((one + two).normalize('NFKC')), start, end + two.length);
    start = end;
  }
}

/** The words of a text, in the order of their beginnings. */
export function wordsIn(text: string): Word[] {
  const words: Word[] = [];
  eachWord(text, (form, start, end) => words.push({ form, start, end }));
  return words;
}

/** How often each form comes in a text. */
export function countForms(text: string): Map<Form, number> {
  const times = new Map<Form, number>();
  eachWord(text, (form) => times.set(form, (times.get(form) ?? 0) + 1));
  return times;
}

/** The forms that a query looks for: those of its words. An ideograph that is part of a longer word is none. */
export function formsToFind(query: string): Set<string> {
  const words = wordsIn(query);
  const isPartOf = (word: Word, other: Word | undefined) =>
    other !== undefined && other.start <= word.start && other.end >= word.end;
  return new Set(
    words
      .filter((word, i) => !isPartOf(word, words[i - 1]) && !isPartOf(word, words[i + 1]))
      .map(({ form }) => form.text),
  );
}

function formOf(word: string): Form {
  const known = formsOfOthers.get(word);
  if (known !== undefined) return known;
  const lower = word.toLowerCase();
  const bare = PLAIN.test(lower) ? lower : lower.normalize('NFKD').replace(MARKS, '').replaceAll('ß', 'ss');
  const form = formNamed(PLAIN.test(bare) ? stemmer(bare) : bare);
  formsOfOthers.set(word, form);
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
  if (!formsOfAscii.isFull && forms.size < 2 * MOST_OTHERS && formsOfOthers.size < MOST_OTHERS) return;
  formsOfAscii.clear();
  formsOfOthers.clear();
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
