import { describe, expect, test } from 'vitest';
import { packWords, unpackWords, wordHashes } from '../../core/packed-words.ts';
import { fuse } from '../../core/search/fuse.ts';
import { createPostings } from '../../core/search/words/postings.ts';
import { countForms, formsToFind, hashOfWord, wordsIn } from '../../core/words.ts';
import { randomNumbers } from '../../scripts/random-numbers.ts';
import { markedForms, marksIn } from '../../search/passages.ts';

const formsOf = (text: string) => [...wordsIn(text)].map(({ form }) => form.text);

describe('words', () => {
  test.each([
    ['Running runs, RUN!', ['run', 'run', 'run']],
    ['Résumés naïve', formsOf('resumes naive')],
    ["don't stop-gap v2.0", ['don', 't', 'stop', 'gap', 'v2', '0']],
    ['今天天气', ['今', '今天', '天', '天天', '天', '天气', '气']],
    ['中', ['中']],
    ['ん สวย', ['ん', 'สว', 'วย']],
    ['iPhone15 カタカナ abc中文def', ['iphone15', 'カタ', 'タカ', 'カナ', 'abc', '中', '中文', '文', 'def']],
    ['Straße ÄÖÜ', ['strasse', 'aou'].map((word) => formsOf(word)[0])],
    ['привет мир', ['привет', 'мир']],
    ['x'.repeat(65), []],
    ['', []],
  ])('of %j are %j', (text, forms) => {
    expect(formsOf(text)).toEqual(forms);
  });

  test.each([
    ['今天天气', ['今天', '天天', '天气']],
    ['猫', ['猫']],
    ['猫 狗狗 cats', ['猫', '狗狗', 'cat']],
    ['犬の猫', ['犬の', 'の猫']],
  ])('that the query %j looks for are %j', (query, forms) => {
    expect([...formsToFind(query)]).toEqual(forms);
  });

  test('are runs of letters, digits and marks, wherever other characters stand', () => {
    const random = randomNumbers(3);
    const characters = [
      'a',
      'Z',
      '7',
      'é',
      'e\u0301',
      'ß',
      'я',
      '한',
      '\u{1d7d8}',
      '\u{1f600}',
      '-',
      '—',
      ' ',
      '\ud83d',
      '.',
    ];
    for (let n = 0; n < 2000; n += 1) {
      const text = Array.from({ length: 12 }, () => characters[Math.floor(random() * characters.length)]).join('');
      const runs = [...text.matchAll(/[\p{L}\p{N}\p{M}]+/gu)].map(({ 0: run, index }) => [index, index + run.length]);
      expect(wordsIn(text).map(({ start, end }) => [start, end])).toEqual(runs);
    }
  });

  test('of a text are counted by their forms, however many there are', () => {
    const numbers = Array.from({ length: 200_000 }, (_, n) => `n${n} N${n}`).join(' ');
    const counted = countForms(`${numbers} runs running`);
    expect(counted.size).toBe(200_001);
    expect(new Set(counted.values())).toEqual(new Set([2]));
    expect([...countForms('runs').keys()].map(({ text }) => text)).toEqual(['run']);
  });

  test('know where they stand', () => {
    const text = 'Ein 今天天气 schön, naïve\u0301 x';
    for (const { start, end } of wordsIn(text)) expect(text.slice(start, end)).toMatch(/^[\p{L}\p{M}]+$/u);
  });

  test('are packed with how often they come', () => {
    const packed = packWords('one two two three three three');
    const found = new Map<number, number>();
    unpackWords(packed, (hash, times) => found.set(hash, times));
    const hashed = ([word, times]: [string, number]): [number, number] => [
      hashOfWord(formsOf(word)[0] as string),
      times,
    ];
    expect(found).toEqual(
      new Map(
        (
          [
            ['one', 1],
            ['two', 2],
            ['three', 3],
          ] as [string, number][]
        ).map(hashed),
      ),
    );
    expect(packed).toHaveLength(1 + 3 * 5);
    packed[0] = 9;
    unpackWords(packed, () => expect.unreachable('bytes of another form hold no words'));
  });

  test('a word that comes a thousand times is packed', () => {
    unpackWords(packWords('word '.repeat(1000)), (_, times) => expect(times).toBe(255));
  });
});

/** BM25 by its formula, for each text. */
function bm25(texts: readonly string[], query: string): { seq: number; score: number }[] {
  const words = texts.map(formsOf);
  const mean = words.reduce((sum, { length }) => sum + length, 0) / texts.length;
  const wanted = [...new Set(formsOf(query))];
  return words
    .map((own, seq) => ({
      seq,
      score: wanted.reduce((sum, word) => {
        const n = words.filter((other) => other.includes(word)).length;
        const tf = own.filter((other) => other === word).length;
        const idf = Math.log(1 + (texts.length - n + 0.5) / (n + 0.5));
        return sum + (idf * tf * 2.2) / (tf + 1.2 * (0.25 + (0.75 * own.length) / mean));
      }, 0),
    }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || a.seq - b.seq);
}

describe('postings', () => {
  const random = randomNumbers(3);
  const vocabulary = Array.from({ length: 60 }, (_, i) => `w${i}x`);
  const sentence = () =>
    Array.from({ length: 3 + Math.floor(20 * random()) }, () => vocabulary[Math.floor(60 * random() ** 2)]).join(' ');
  const texts = Array.from({ length: 500 }, sentence);
  const filled = () => {
    const postings = createPostings();
    postings.add(
      texts.map((_, seq) => seq),
      texts.map(packWords),
    );
    return postings;
  };

  test('find what BM25 by its formula gives, in the same order', () => {
    const postings = filled();
    for (const query of ['w0x', 'w59x w3x', 'w10x w20x w30x w10x', 'nothing']) {
      const expected = bm25(texts, query);
      const { seqs, scores, all } = postings.find(wordHashes(query), 1000);
      expect(all).toBe(true);
      expect(seqs).toHaveLength(expected.length);
      const byFormula = new Map(expected.map(({ seq, score }) => [seq, score]));
      for (const [i, seq] of seqs.entries()) expect(scores[i]).toBeCloseTo(byFormula.get(seq) as number, 4);
      const ten = postings.find(wordHashes(query), 10);
      expect(ten.seqs).toEqual(seqs.slice(0, 10));
      expect(ten.all).toBe(expected.length <= 10);
    }
  });

  test('find among some alone', () => {
    const among = [3, 77, 499, 10_000];
    const { seqs } = filled().find(wordHashes(vocabulary.join(' ')), 10, among);
    expect(seqs.toSorted((a, b) => a - b)).toEqual([3, 77, 499]);
  });

  test('a later text of a seq replaces an earlier one, in the scores of the others, too', () => {
    const postings = filled();
    postings.add([7, 8], [packWords('unique'), packWords('w0x')]);
    const changed = texts.with(7, 'unique').with(8, 'w0x');
    expect(postings.count).toBe(500);
    expect(postings.find(wordHashes('unique'), 10).seqs).toEqual([7]);
    const { seqs } = postings.find(wordHashes('w0x'), 1000);
    expect(new Set(seqs)).toEqual(new Set(bm25(changed, 'w0x').map(({ seq }) => seq)));
  });

  test('find an ideograph alone and within a word, and a word of two only whole', () => {
    const postings = createPostings();
    postings.add([1, 2, 3], ['这是一只猫咪', '天气很好', '气天'].map(packWords));
    expect(postings.find(wordHashes('猫'), 10).seqs).toEqual([1]);
    expect(postings.find(wordHashes('天气'), 10).seqs).toEqual([2]);
    expect(new Set(postings.find(wordHashes('天'), 10).seqs)).toEqual(new Set([2, 3]));
  });

  test('hold texts without words', () => {
    const postings = createPostings();
    postings.add([1], [packWords('...')]);
    expect(postings.find(wordHashes('x'), 10)).toEqual({ seqs: [], scores: [], all: true });
  });
});

test('hits of two searches are joined by their places', () => {
  const hit = (seq: number) => ({ seq, filepath: `/${seq}`, score: 1 });
  const fused = fuse([hit(1), hit(2), hit(3)], [hit(3), hit(4)]);
  expect(fused.map(({ seq, ranks }) => [seq, ranks])).toEqual([
    [3, { vector: 3, words: 1 }],
    [1, { vector: 1 }],
    [2, { vector: 2 }],
    [4, { words: 2 }],
  ]);
  expect(fused[0]?.score).toBeCloseTo(1 / 63 + 1 / 61);
});

test.each([
  [
    'How do I resume a job?',
    'resumes jobs',
    [
      [9, 15],
      [18, 21],
    ],
  ],
  ['今天天气很好', '天气', [[2, 4]]],
  ['今天天气很好', '天天气', [[1, 4]]],
  [
    '天上有云，今天有雨',
    '天',
    [
      [0, 1],
      [6, 7],
    ],
  ],
  ['nothing here', '', []],
])('in %j the words of %j are marked', (text, query, marks) => {
  expect(marksIn(text, formsToFind(query))).toEqual(marks);
});

test('words that nearly every text has are marked only if a query has no others', () => {
  expect([...markedForms('how do I resume the job')]).toEqual(formsOf('resume job'));
  expect([...markedForms('to be or not to be')]).toEqual(['to', 'be', 'or', 'not']);
});
