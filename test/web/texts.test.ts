import { describe, expect, test } from 'vitest';
import type { DocumentChunk } from '../../web/src/api/shapes.ts';
import { blocksOf, litPieces } from '../../web/src/documents/blocks.ts';
import { excerptOf } from '../../web/src/documents/excerpt.ts';
import { foundWords } from '../../web/src/documents/found-words.ts';
import { piecesOf } from '../../web/src/documents/marked.ts';
import { layoutCards } from '../../web/src/grid/layout.ts';
import { bodyOf, emptyForm } from '../../web/src/new-load.ts';

type Place = Pick<DocumentChunk, 'headings'> & Partial<DocumentChunk>;

/** Chunks of a text, by where they begin and end. */
const chunksOf = (text: string, places: [start: number, end: number, place: Place][]): DocumentChunk[] =>
  places.map(([start, end, place], part) => ({ seq: part, part, start, end, text: text.slice(start, end), ...place }));

const shown = (chunks: readonly DocumentChunk[], format = 'text') =>
  blocksOf(chunks, format).map(({ kind, text, depth }) =>
    kind === 'heading' ? `${'#'.repeat(depth + 1)} ${text}` : text,
  );

const excerpt = (text: string, change: object = {}, marks: [number, number][] = []) =>
  excerptOf(
    { mime_type: '', format: 'text', text, headings: [], start: 0, end: text.length, tokens: 1, ...change },
    marks,
  );

describe('a document', () => {
  const TEXT = '# Ships\n\nOne is here. Two is there. Three is gone.\n\nA paragraph.\n\n## Crews\n\nAll slept.';
  const at = (words: string) => TEXT.indexOf(words);
  const CHUNKS = chunksOf(TEXT, [
    [0, at(' Three'), { headings: ['Ships'] }],
    [at('Two'), at('\n\n## Crews'), { headings: ['Ships'] }],
    [at('## Crews'), TEXT.length, { headings: ['Ships', 'Crews'] }],
  ]);

  test('is put together without what its chunks share, with headings by their depth', () => {
    expect(shown(CHUNKS, 'markdown')).toEqual([
      '# Ships',
      'One is here. Two is there. Three is gone.',
      'A paragraph.',
      '## Crews',
      'All slept.',
    ]);
  });

  test('that is read from its middle on begins with the headings above', () => {
    expect(shown(CHUNKS.slice(1), 'markdown')).toEqual([
      '# Ships',
      'Two is there. Three is gone.',
      'A paragraph.',
      '## Crews',
      'All slept.',
    ]);
    expect(shown(CHUNKS.slice(2), 'markdown')).toEqual(['# Ships', '## Crews', 'All slept.']);
  });

  test('keeps the places of its words, so that passages and marks fit', () => {
    const crew = CHUNKS[2] as DocumentChunk;
    for (const block of blocksOf(CHUNKS, 'markdown').filter(({ kind }) => kind === 'paragraph'))
      expect(TEXT.slice(block.start, block.start + block.text.length)).toBe(block.text);
    const block = blocksOf(CHUNKS, 'markdown').at(-1);
    if (block === undefined) throw new Error('no block');
    const slept = at('slept');
    expect(litPieces(block, [crew.start, crew.end], [[slept, slept + 5]])).toEqual([
      { text: 'All ', marked: false, lit: true },
      { text: 'slept', marked: true, lit: true },
      { text: '.', marked: false, lit: true },
    ]);
    const [first] = blocksOf(CHUNKS, 'markdown').filter(({ kind }) => kind === 'paragraph');
    if (first === undefined) throw new Error('no block');
    expect(litPieces(first, [at('Two'), at('Three')], []).map(({ text, lit }) => [text, lit])).toEqual([
      ['One is here. ', false],
      ['Two is there. ', true],
      ['Three is gone.', false],
    ]);
  });

  test('marks where pages and records begin, once each', () => {
    const text = 'One. Two. Three.';
    const paged = chunksOf(text, [
      [0, 4, { headings: [], page: 1 }],
      [5, 9, { headings: [], page: 1 }],
      [10, 16, { headings: [], page: 2 }],
    ]);
    expect(shown(paged, 'pdf')).toEqual(['page 1', 'One. Two. ', 'page 2', 'Three.'].map((each) => each.trimEnd()));
    const rows = chunksOf('a,b\nc,d', [
      [0, 3, { headings: [], record: 1 }],
      [4, 7, { headings: [], record: 2 }],
    ]);
    expect(shown(rows, 'csv')).toEqual(['row 1', 'a,b', 'row 2', 'c,d']);
  });

  test('has headings that say nothing themselves, and those whose words stand elsewhere', () => {
    const text = 'Report\n\nShips\n\nTwelve.';
    expect(shown(chunksOf(text, [[0, text.length, { headings: ['Ships'] }]]), 'docx')).toEqual([
      '# Report',
      '# Ships',
      'Twelve.',
    ]);
    expect(shown(chunksOf('Twelve.', [[0, 7, { headings: ['Ships'] }]]), 'html')).toEqual(['# Ships', 'Twelve.']);
  });

  test('of Markdown flows, but for lists, tables and code', () => {
    const text = 'A line\ngoes on.\n- one\n- two\n\n```\na\n\nb\n```\n\n| a |\n| b |';
    const blocks = blocksOf(chunksOf(text, [[0, text.length, { headings: [] }]]), 'markdown');
    expect(blocks.map(({ kind, text }) => [kind, text])).toEqual([
      ['paragraph', 'A line goes on.\n- one\n- two'],
      ['code', '```\na\n\nb\n```'],
      ['paragraph', '| a |\n| b |'],
    ]);
  });

  test('of code keeps its indentation, also where chunks meet', () => {
    const text = 'if a:\n    b()\n\n    c()';
    const chunks = chunksOf(text, [
      [0, text.indexOf('\n    b'), { headings: [] }],
      [text.indexOf('b()'), text.indexOf('\n\n'), { headings: [] }],
      [text.indexOf('c()'), text.length, { headings: [] }],
    ]);
    expect(shown(chunks, 'code')).toEqual(['if a:\n    b()', '    c()']);
  });
});

describe('an excerpt', () => {
  const textOf = (pieces: { text: string }[]) => pieces.map(({ text }) => text).join('');

  test('begins behind the headings', () => {
    expect(textOf(excerpt('## Ships\n\nTwelve.', { headings: ['Fleet', 'Ships'] }))).toBe('Twelve.');
    expect(textOf(excerpt('Ships\n=====\nTwelve.', { headings: ['Ships'] }))).toBe('Twelve.');
    expect(textOf(excerpt('Ships', { headings: ['Ships'] }))).toBe('Ships');
  });

  test('of a hit begins shortly before where most words are marked', () => {
    const text = `ship ${'one word after the other. '.repeat(30)}A ship and a ship.`;
    const at = [text.indexOf('ship', 10), text.lastIndexOf('ship')];
    const marks: [number, number][] = [[0, 4], ...at.map((from): [number, number] => [from, from + 4])];
    const pieces = excerpt(text, {}, marks);
    expect(textOf(pieces)).toMatch(/^… .{0,70}ship and a ship\.$/);
    expect(pieces.filter(({ marked }) => marked).map(({ text }) => text)).toEqual(['ship', 'ship']);
  });

  test('shows Markdown without the signs that say nothing', () => {
    expect(textOf(excerpt('| a | **b** |\n| --- | :-: |\n| `c` | d |', { format: 'markdown' }))).not.toMatch(
      /[|*`]|--/,
    );
  });
});

test('marks that leave a text, or touch each other, are cut', () => {
  expect(
    piecesOf('abc', [
      [-2, 1],
      [1, 2],
      [2, 9],
    ]).map(({ text, marked }) => [text, marked]),
  ).toEqual([
    ['a', true],
    ['b', true],
    ['c', true],
  ]);
});

test('a hit tells by what it was found', () => {
  const model = 'minilm@1';
  const both = { mode: 'hybrid', score: 0.03, model, ranks: { vector: 2, words: 5 } } as const;
  expect(foundWords(both)).toEqual({ short: 'meaning + words', long: 'meaning #2 · words #5' });
  expect(foundWords({ ...both, ranks: { words: 1 } })).toEqual({ short: 'words', long: 'words #1' });
  // The built-in model compares letters.
  expect(foundWords({ ...both, model: 'hashed-words@1' }).short).toBe('spelling + words');
  expect(foundWords({ mode: 'vector', score: 0.51239, model, ranks: undefined }).short).toBe('0.51');
});

test('cards fill the width, and are a list on a phone', () => {
  const { columns, tileWidthPx, gapPx } = layoutCards(1232, 'medium');
  expect(columns * tileWidthPx + (columns - 1) * gapPx).toBeCloseTo(1232);
  expect([columns, layoutCards(1232, 'small').columns, layoutCards(347, 'large').columns]).toEqual([3, 1, 1]);
});

test('a load says of chunks what the form does', () => {
  const form = { ...emptyForm(), source: '/docs', dataset: 'docs' };
  expect(bodyOf(form)).toEqual({ source: '/docs', dataset: 'docs' });
  const chosen = { ...form, media: 'text', chunk_size: '800', chunk_overlap: '0', chunk_unit: 'characters' };
  expect(bodyOf(chosen)).toMatchObject({ media: 'text', chunks: { size: 800, overlap: 0, unit: 'characters' } });
  expect(bodyOf({ ...chosen, media: 'image' })).not.toHaveProperty('chunks');
});
