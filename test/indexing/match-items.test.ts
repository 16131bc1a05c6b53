import { ObjectId } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { leftOvers, type Matching, matchItems } from '../../core/indexing/match-items.ts';
import type { Item } from '../../core/media/medium.ts';
import type { StoredItem } from '../../core/store/samples.ts';
import { randomNumbers } from '../../scripts/random-numbers.ts';

type Status = StoredItem['status'];

/** Items by their contents; `null` is an item without a hash. */
const items = (...contents: (string | null)[]): Item[] =>
  contents.map((content) => ({ metadata: { format: 'lines' }, ...(content === null ? {} : { content }) }));

const sample = (part: number, content: string | null, status: Status = 'indexed'): StoredItem => ({
  _id: new ObjectId(),
  seq: 100 + part,
  filepath: '/a.lines',
  part,
  status,
  ...(content === null ? {} : { content }),
});

const stored = (...contents: (string | null)[]): StoredItem[] => contents.map((content, part) => sample(part, content));

/** Which stored sample, by its part, each item is; new parts; parts that are left. */
const inParts = ({ kept, added, left }: Matching) => ({
  kept: Object.fromEntries(kept.map(({ part, stored: { part: before } }) => [part, before])),
  added,
  left: left.map(({ part }) => part),
});

const matched = (...request: Parameters<typeof matchItems>) => inParts(matchItems(...request));

describe('items and stored samples', () => {
  it('that are equal match one by one', () => {
    expect(matched(items('a', 'b', 'c'), stored('a', 'b', 'c'))).toEqual({
      kept: { 0: 0, 1: 1, 2: 2 },
      added: [],
      left: [],
    });
  });

  it('match by content wherever it moved', () => {
    expect(matched(items('c', 'a', 'b'), stored('a', 'b', 'c'))).toEqual({
      kept: { 0: 2, 1: 0, 2: 1 },
      added: [],
      left: [],
    });
  });

  it('match with what is left in order where content changed', () => {
    expect(matched(items('a', 'B', 'c', 'D'), stored('a', 'b', 'c', 'd'))).toEqual({
      kept: { 0: 0, 2: 2, 1: 1, 3: 3 },
      added: [],
      left: [],
    });
  });

  it('never match in order what matches by content further on', () => {
    expect(matched(items('new', 'a'), stored('a'))).toEqual({ kept: { 1: 0 }, added: [0], left: [] });
    expect(matched(items('b'), stored('a', 'b'))).toEqual({ kept: { 0: 1 }, added: [], left: [0] });
  });

  it('differ by what was inserted', () => {
    expect(matched(items('a', 'x', 'y', 'b'), stored('a', 'b'))).toEqual({
      kept: { 0: 0, 3: 1 },
      added: [1, 2],
      left: [],
    });
  });

  it('differ by what was deleted', () => {
    expect(matched(items('a', 'd'), stored('a', 'b', 'c', 'd'))).toEqual({
      kept: { 0: 0, 1: 3 },
      added: [],
      left: [1, 2],
    });
  });

  it('of equal content keep their order', () => {
    expect(matched(items('x', 'a', 'x', 'x'), stored('x', 'x', 'a', 'x'))).toEqual({
      kept: { 0: 0, 1: 2, 2: 1, 3: 3 },
      added: [],
      left: [],
    });
  });

  it('of equal content match as many as there are on both sides', () => {
    expect(matched(items('x'), stored('x', 'x', 'x'))).toEqual({ kept: { 0: 0 }, added: [], left: [1, 2] });
    expect(matched(items('x', 'x', 'x'), stored('x'))).toEqual({ kept: { 0: 0 }, added: [1, 2], left: [] });
  });

  it('without a hash match in order', () => {
    expect(matched(items(null, null, null), stored(null, null))).toEqual({
      kept: { 0: 0, 1: 1 },
      added: [2],
      left: [],
    });
    expect(matched(items(null), stored(null, null))).toEqual({ kept: { 0: 0 }, added: [], left: [1] });
  });

  it('match in order where only one side has a hash: a medium may have learned to tell it', () => {
    expect(matched(items('a', 'b'), stored(null, null))).toEqual({ kept: { 0: 0, 1: 1 }, added: [], left: [] });
    expect(matched(items(null), stored('a'))).toEqual({ kept: { 0: 0 }, added: [], left: [] });
  });

  it('are all new where nothing is stored', () => {
    expect(matched(items('a', null), [])).toEqual({ kept: {}, added: [0, 1], left: [] });
  });
});

describe('a sample that its file no longer held before', () => {
  const withLeftOver = () => [sample(0, 'a'), sample(1, 'b'), sample(2, 'gone', 'missing')];

  it('is matched by its content when that is back', () => {
    expect(matched(items('a', 'gone', 'b'), withLeftOver())).toEqual({
      kept: { 0: 0, 1: 2, 2: 1 },
      added: [],
      left: [],
    });
  });

  it('comes behind an equal one that the file holds', () => {
    expect(matched(items('a', 'b'), [...withLeftOver(), sample(3, 'a', 'missing')])).toEqual({
      kept: { 0: 0, 1: 1 },
      added: [],
      left: [2, 3],
    });
  });

  it('does not become another item, edited or new', () => {
    expect(matched(items('a', 'edited', 'new'), withLeftOver())).toEqual({
      kept: { 0: 0, 1: 1 },
      added: [2],
      left: [2],
    });
  });

  it('is told from those of a file that was missing as a whole', () => {
    const whole = [sample(0, 'a', 'missing'), sample(1, 'b', 'missing')];
    expect(leftOvers(whole)).toEqual([]);
    expect(matched(items('a', 'edited'), whole)).toEqual({ kept: { 0: 0, 1: 1 }, added: [], left: [] });
    expect(leftOvers(withLeftOver()).map(({ part }) => part)).toEqual([2]);
    expect(leftOvers([])).toEqual([]);
  });

  it('is told apart also where the file could not be read meanwhile', () => {
    expect(leftOvers([sample(0, 'a', 'failed'), sample(1, 'gone', 'missing')]).map(({ part }) => part)).toEqual([1]);
  });
});

const count = <T>(values: readonly T[], wanted: T) => values.filter((value) => value === wanted).length;

const isAscending = (numbers: readonly number[]) => numbers.every((n, i) => i === 0 || n > (numbers[i - 1] as number));

describe('any file and any stored samples', () => {
  it('keep what is promised, in 3,000 random cases', () => {
    const random = randomNumbers(7);
    const below = (n: number) => Math.floor(random() * n);
    const anyContent = () => (random() < 0.15 ? null : String.fromCharCode(97 + below(5)));
    for (let n = 0; n < 3000; n++) {
      const read = items(...Array.from({ length: below(8) }, anyContent));
      const present = below(7);
      const lefts = present === 0 ? 0 : below(4);
      const status: Status = (['indexed', 'failed', 'missing'] as const)[below(3)] as Status;
      const before = Array.from({ length: present + lefts }, (_, part) =>
        sample(part, anyContent(), part < present ? status : 'missing'),
      );
      checkMatching(read, before, matchItems(read, before));
    }
  });
});

function checkMatching(read: readonly Item[], before: readonly StoredItem[], matching: Matching): void {
  const { kept, added, left } = matching;
  const seen = JSON.stringify({
    read: read.map(({ content }) => content ?? null),
    before: before.map(({ content, status }) => [content ?? null, status]),
    matching: inParts(matching),
  });
  // Each item and each sample has exactly one place.
  const parts = [...kept.map(({ part }) => part), ...added].sort((a, b) => a - b);
  expect(parts, seen).toEqual(read.map((_, part) => part));
  const samples = [...kept.map((match) => match.stored), ...left].sort((a, b) => a.part - b.part);
  expect(samples, seen).toEqual(before);
  expect(isAscending(added) && isAscending(left.map(({ part }) => part)), seen).toBe(true);

  const contentOf = (part: number) => read[part]?.content;
  const equal = kept.filter(({ part, stored: { content } }) => content !== undefined && content === contentOf(part));
  for (const content of new Set(read.flatMap((item) => item.content ?? []))) {
    // As many matches of equal content as there can be.
    const most = Math.min(
      count(
        read.map((item) => item.content),
        content,
      ),
      count(
        before.map((item) => item.content),
        content,
      ),
    );
    const own = equal.filter(({ part }) => contentOf(part) === content).sort((a, b) => a.part - b.part);
    expect(own.length, seen).toBe(most);
    // The first of the items are the first of the samples.
    expect(
      own.map((match) => match.stored.part),
      seen,
    ).toEqual(
      before
        .filter((item) => item.content === content)
        .slice(0, most)
        .map(({ part }) => part),
    );
  }

  // The others match in order while both sides have some, and never with a part that was not an item before.
  const isEqual = new Set(equal);
  const others = kept.filter((match) => !isEqual.has(match)).sort((a, b) => a.part - b.part);
  expect(isAscending(others.map((match) => match.stored.part)), seen).toBe(true);
  const leftBefore = new Set(leftOvers(before));
  expect(
    others.some((match) => leftBefore.has(match.stored)),
    seen,
  ).toBe(false);
  const stillOpen = left.filter((item) => !leftBefore.has(item));
  expect(added.length === 0 || stillOpen.length === 0, seen).toBe(true);
  expect(
    added.every((part) => others.every((match) => match.part < part)),
    seen,
  ).toBe(true);
}
