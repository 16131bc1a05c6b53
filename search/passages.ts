import type { Passage, SearchHit } from '../contract/search.ts';
import { type ChunkText, chunkTextOf } from '../core/chunk-text.ts';
import type { SampleDocument } from '../core/store/documents.ts';
import { formsToFind, wordsIn } from '../core/words.ts';

/** Adds to each hit what was found, with the words of the query marked. */
export function withPassages(
  hits: readonly SearchHit[],
  samples: ReadonlyMap<number, SampleDocument>,
  query: string,
): SearchHit[] {
  const wanted = markedForms(query);
  return hits.map((hit) => {
    const passage = passageOfSample(samples.get(hit.seq), wanted);
    return passage === undefined ? hit : { ...hit, passage };
  });
}

function passageOfSample(sample: SampleDocument | undefined, wanted: ReadonlySet<string>): Passage | undefined {
  if (typeof sample?.metadata?.text !== 'string') return undefined;
  const { title, ...chunk } = sample.metadata as unknown as ChunkText & { title?: string };
  return passageOf(sample.part, chunk, wanted, title);
}

/** A chunk with the words of a query marked. */
export function passageOf(part: number, chunk: ChunkText, wanted: ReadonlySet<string>, title?: string): Passage {
  const text = chunkTextOf(chunk);
  return { part, ...(title === undefined ? {} : { title }), ...text, marks: marksIn(text.text, wanted) };
}

/** The words of a query that are marked: all but those that nearly every text has, if there are others. */
export function markedForms(query: string): ReadonlySet<string> {
  const forms = formsToFind(query);
  const telling = new Set([...forms].filter((form) => !COMMON.has(form)));
  return telling.size > 0 ? telling : forms;
}

/** The most frequent English words, in the form in which words are compared. */
const COMMON: ReadonlySet<string> = formsToFind(
  'a an and are as at be but by can do does for from had has have how i if in into is it its me my no not of on or our ' +
    's should so such t than that the their them then there these they this to was we were what when where which who why ' +
    'will with would you your',
);

/** The places of a text with words of a query. Words that touch or overlap, as pairs of characters do, are one mark. */
export function marksIn(text: string, wanted: ReadonlySet<string>): [number, number][] {
  const marks: [number, number][] = [];
  if (wanted.size === 0) return marks;
  for (const { form, start, end } of wordsIn(text)) {
    if (!wanted.has(form.text)) continue;
    const last = marks.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else marks.push([start, end]);
  }
  return marks;
}
