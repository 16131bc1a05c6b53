import { describe, expect, test } from 'vitest';
import { createChunker } from '../../../core/media/documents/chunk/chunk-document.ts';
import type { Chunking } from '../../../core/media/documents/chunk/chunking.ts';
import { countTokens } from '../../../core/media/documents/chunk/count-tokens.ts';
import type { ExtractedDocument } from '../../../core/media/documents/document.ts';

const TOKENS: Chunking = { size: 240, overlap: 32, unit: 'tokens' };

const plain = (text: string, more: Partial<ExtractedDocument> = {}): ExtractedDocument => ({
  format: 'text',
  text,
  headings: [],
  ...more,
});

const chunksOf = async (document: ExtractedDocument, chunking: Partial<Chunking> = {}) =>
  (await createChunker({ ...TOKENS, ...chunking }))(document);

/** Words of a made-up language, in sentences and paragraphs of many lengths. The same for each run. */
function novel(characters: number): string {
  let state = 1;
  const next = (most: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state % most;
  };
  const word = () =>
    Array.from({ length: 1 + next(4) }, () => ['ba', 'co', 'di', 'lu', 'ne', 'rø', 'ti'][next(7)]).join('');
  let text = '';
  while (text.length < characters) {
    const sentence = Array.from({ length: 1 + next(40) }, word).join(' ');
    text += `${sentence[0]?.toUpperCase()}${sentence.slice(1)}${['.', '!', '?'][next(3)]}${['\n\n', ' ', ' ', '\n'][next(4)]}`;
  }
  return text;
}

/** Letters and digits that no chunk holds. */
function uncovered(text: string, chunks: readonly { start: number; end: number }[]): string {
  const left = text.split('');
  for (const { start, end } of chunks) left.fill('', start, end);
  return left.join('').replace(/[^\p{L}\p{N}]/gu, '');
}

describe.each<Partial<Chunking>>([
  {},
  { size: 16, overlap: 0 },
  { size: 64, overlap: 32 },
  { size: 800, overlap: 100, unit: 'characters' },
  { size: 16, overlap: 8, unit: 'characters' },
])('chunks of %j', (given) => {
  const chunking = { ...TOKENS, ...given };
  const amount = (text: string) => (chunking.unit === 'tokens' ? countTokens(text) : text.length);
  const texts = {
    prose: novel(40_000),
    'one line without spaces': 'x'.repeat(5000),
    Chinese: '今天天气很好，我们去公园散步。机器学习模型需要大量数据。'.repeat(100),
    Arabic: 'كان يا ما كان في قديم الزمان. '.repeat(100),
    emoji: 'w👩‍👩‍👧‍👦'.repeat(400),
    lines: Array.from({ length: 900 }, (_, i) => `const x${i} = ${i};`).join('\n'),
    'blank lines': `\n\n  \n a \n\n\n\n b \n\n`,
  };

  test.each(Object.entries(texts))(
    'of %s are parts of the text, hold all of its words, and none is too large',
    async (_, text) => {
      const chunks = await chunksOf(plain(text), chunking);

      for (const { text: part, start, end } of chunks) {
        expect(part).toBe(text.slice(start, end));
        expect(part).toBe(part.trim());
        expect(part).not.toBe('');
        expect(amount(part)).toBeLessThanOrEqual(chunking.size);
      }
      expect(uncovered(text, chunks)).toBe('');
    },
  );

  test('share no more than the overlap, and each begins and ends behind the one before', async () => {
    const chunks = await chunksOf(plain(texts.prose), chunking);

    const shared = chunks.slice(1).map((chunk, i) => {
      const before = chunks[i] as (typeof chunks)[number];
      expect(chunk.start).toBeGreaterThan(before.start);
      expect(chunk.end).toBeGreaterThan(before.end);
      return amount(texts.prose.slice(chunk.start, Math.max(chunk.start, before.end)));
    });
    expect(Math.max(...shared)).toBeLessThanOrEqual(chunking.overlap);
    if (chunking.overlap >= 32) expect(shared.filter((tokens) => tokens > 0).length).toBeGreaterThan(shared.length / 4);
  });
});

test('a chunk ends at a paragraph if it is full by half, else at a sentence', async () => {
  const paragraph = (n: number) => Array.from({ length: n }, (_, i) => `Sentence number ${i} is here.`).join(' ');
  const text = `${paragraph(30)}\n\n${paragraph(20)}\n\n${paragraph(60)}`;
  const chunks = await chunksOf(plain(text), { size: 240, overlap: 0 });

  expect(chunks.map(({ text: part }) => part.split('. ').length)).toEqual([30, 20, 34, 26]);
  for (const { text: part } of chunks) expect(part).toMatch(/^Sentence[\s\S]*here\.$/);
});

test('a sentence goes on after an abbreviation', async () => {
  const text = 'We met Dr. Jones on Jan. 5 in the U.S. Senate. '.repeat(20);
  const chunks = await chunksOf(plain(text), { size: 30, overlap: 0 });

  for (const { text: part } of chunks) expect(part).toMatch(/^We met.*Senate\.$/);
});

test('sections share no chunk, know their headings, and a heading alone belongs to the next section', async () => {
  const text = '# Guide\n\n## Install\n\nRun npm.\n\n### Linux\n\nUse apt.\n\nSetup\n-----\n\nDone.\n\n# End\n';
  const headings = [
    ['Guide', 1],
    ['Install', 2],
    ['Linux', 3],
    ['Setup', 2],
    ['End', 1],
  ].map(([title, level]) => ({ at: text.lastIndexOf('\n', text.indexOf(title as string)) + 1, level, title })) as {
    at: number;
    level: number;
    title: string;
  }[];
  const chunks = await chunksOf(plain(text, { headings }));

  expect(chunks.map(({ text: part, headings: path }) => [part, path])).toEqual([
    ['# Guide\n\n## Install\n\nRun npm.', ['Guide', 'Install']],
    ['### Linux\n\nUse apt.', ['Guide', 'Install', 'Linux']],
    ['Setup\n-----\n\nDone.', ['Guide', 'Setup']],
    ['# End', ['End']],
  ]);
});

test('records share no chunk, and a chunk names its record and the page on which it begins', async () => {
  const text = 'name,age\nAda,36\nGrace,85\n';
  const rows = await chunksOf(plain(text, { format: 'csv', records: [9, 16] }));
  expect(rows.map(({ text: part, record }) => [part, record])).toEqual([
    ['name,age', undefined],
    ['Ada,36', 1],
    ['Grace,85', 2],
  ]);

  const pages = await chunksOf(plain('One.\n\nTwo.\n\nThree.', { format: 'pdf', pages: [0, 6, 12] }), {
    size: 6,
    overlap: 0,
    unit: 'characters',
  });
  expect(pages.map(({ text: part, page }) => [part, page])).toEqual([
    ['One.', 1],
    ['Two.', 2],
    ['Three.', 3],
  ]);
});

test('a document of white space and signs has no chunk', async () => {
  expect(await chunksOf(plain(' \n\t\u00a0\n'))).toEqual([]);
  expect(await chunksOf(plain('| --- | --- |\n\n***\n'))).toEqual([]);
});

test('a change in a section leaves the chunks of the others as they are', async () => {
  const sections = Array.from({ length: 20 }, (_, i) => `# Part ${i}\n\n${novel(1500 + 10 * i)}\n\n`);
  const documentOf = (parts: readonly string[]) => {
    let at = 0;
    const headings = parts.map((part, i) => {
      const heading = { at, level: 1, title: `Part ${i}` };
      at += part.length;
      return heading;
    });
    return plain(parts.join(''), { headings });
  };
  const before = await chunksOf(documentOf(sections));
  const after = await chunksOf(documentOf(sections.with(9, `# Part 9\n\nA new text.\n\n`)));

  const known = new Set(before.map(({ text }) => text));
  expect(after.filter(({ text }) => !known.has(text)).map(({ text }) => text)).toEqual(['# Part 9\n\nA new text.']);
});

test.each([
  // How many tokens BERT's vocabulary (bert-base-uncased) gives.
  [
    'A durable workflow runs indexing activities, then child embedding workflows on the GPU queue, with retries, heartbeat progress and queryable status.',
    34,
  ],
  ['In 1969, Neil Armstrong (1930–2012) walked on the Moon; about 650 million people watched.', 21],
  ["export const shortWork: ActivityOptions = { startToCloseTimeout: '1 minute', retry };", 27],
  ['你好，世界。机器学习', 10],
])('the estimate of %j is near to %i', (text, tokens) => {
  expect(countTokens(text)).toBeGreaterThanOrEqual(0.95 * tokens);
  expect(countTokens(text)).toBeLessThanOrEqual(1.35 * tokens);
});
