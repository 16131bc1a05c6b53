/** Cuts ranges of a text into smaller ones: paragraphs, sentences, words. Ranges begin and end without white space. */

/** A range of a text: UTF-16 code units from `start` to `end`, exclusive. */
export interface Range {
  start: number;
  end: number;
}

const BLANK_LINE = /\n[^\S\n]*(?:\r?\n[^\S\n]*)+/g;
const SENTENCES = new Intl.Segmenter(undefined, { granularity: 'sentence' });
const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** The end of a text after which a sentence goes on, although it looks over: a title, a month, an initial. */
const ABBREVIATION =
  /(?:^|[\s("'[])(?:\p{Lu}|[A-Z]\.[A-Z]|Dr|Mrs?|Ms|Prof|St|Sr|Jr|vs|etc|e\.g|i\.e|z\.B|cf|ca|approx|No|Nr|Figs?|Eqs?|Secs?|Vol|Ed|pp?|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|Inc|Ltd|Corp|Dept|Mt|Gen|Col|Rev)\.\s*$/u;

/** The paragraphs of a range: what blank lines separate. */
export function* paragraphs(text: string, { start, end }: Range): Generator<Range> {
  let from = start;
  BLANK_LINE.lastIndex = start;
  for (let gap = BLANK_LINE.exec(text); gap !== null && gap.index < end; gap = BLANK_LINE.exec(text)) {
    yield* trimmed(text, { start: from, end: gap.index });
    from = Math.min(end, BLANK_LINE.lastIndex);
    BLANK_LINE.lastIndex = from;
  }
  yield* trimmed(text, { start: from, end });
}

/** The sentences of a range. Lines that a sentence goes over stay together. */
export function* sentences(text: string, { start, end }: Range): Generator<Range> {
  let from = start;
  for (const { segment, index } of SENTENCES.segment(text.slice(start, end))) {
    const until = start + index + segment.length;
    if (ABBREVIATION.test(segment.slice(-LONGEST_ABBREVIATION))) continue;
    yield* trimmed(text, { start: from, end: until });
    from = until;
  }
  yield* trimmed(text, { start: from, end });
}

const LONGEST_ABBREVIATION = 12;

/** The words of a range. One that is longer than `most` code units is cut between characters, into parts of a word. */
export function* words(text: string, { start, end }: Range, most: number): Generator<Range & { isPart?: true }> {
  const pattern = /\S+/g;
  pattern.lastIndex = start;
  for (let found = pattern.exec(text); found !== null && found.index < end; found = pattern.exec(text)) {
    const word = { start: found.index, end: Math.min(end, pattern.lastIndex) };
    if (word.end - word.start <= most) yield word;
    else for (const part of characters(text, word, most)) yield { ...part, isPart: true };
  }
}

/** Parts of about `most` code units. Never cuts within what a reader sees as one character. */
function* characters(text: string, { start, end }: Range, most: number): Generator<Range> {
  for (let from = start; from < end; ) {
    // A look a little further finds where the last character ends.
    const part = text.slice(from, Math.min(end, from + most + LONGEST_CHARACTER));
    let until = part.length;
    if (from + until < end || until > most) {
      until = GRAPHEMES.segment(part).containing(Math.min(most, part.length - 1))?.index ?? 0;
      if (until === 0) until = Math.min(most, part.length);
    }
    yield { start: from, end: from + until };
    from += until;
  }
}

/** Emoji of a family have 25 code units. A longer character is cut. */
const LONGEST_CHARACTER = 64;

const SPACE = /\s/;

/** The range without white space at its ends. Nothing if there is nothing else. */
function* trimmed(text: string, { start, end }: Range): Generator<Range> {
  while (start < end && SPACE.test(text[start] as string)) start += 1;
  while (end > start && SPACE.test(text[end - 1] as string)) end -= 1;
  if (start < end) yield { start, end };
}
