import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { extractDocument } from '../../../core/media/documents/extract/extract-document.ts';
import { tinyPdf } from '../../support/tiny-pdf.ts';

/** Written by samples/make-samples.py. */
const sample = (name: string) => readFileSync(join(import.meta.dirname, 'samples', name));
const extract = (name: string) => extractDocument(sample(name), name);

const PAPER = [
  'Load lines',
  'A load line shows how deep a ship may lie in the water. Its marks are painted amidships on both sides, and the ' +
    'hydrostatic tables of the ship name the draughts that belong to them, well-known since 1876.',
  'Hydrostatic tables are made by the yard.',
  'Seasons',
  'Summer: S\nWinter: W\nTropical: T',
  'The second page.',
];

it('joins wrapped lines to paragraphs, and finds headings, pages and the title', async () => {
  const { title, text, headings, pages } = await extract('paper.pdf');
  expect(text.split('\n\n')).toEqual(PAPER);
  expect(title).toBe('On load lines');
  expect(headings).toEqual([
    { at: 0, level: 1, title: 'Load lines' },
    { at: text.indexOf('Seasons'), level: 2, title: 'Seasons' },
  ]);
  expect(pages).toEqual([0, text.indexOf('The second')]);
});

it('reads a PDF whatever its name is', async () => {
  expect((await extractDocument(sample('paper.pdf'), 'paper.txt')).format).toBe('pdf');
});

it('reads a PDF that may not be copied from, and refuses one that needs a password', async () => {
  expect((await extract('restricted.pdf')).text.split('\n\n')).toEqual(PAPER);
  await expect(extract('locked.pdf')).rejects.toMatchObject({ code: 'encrypted' });
});

it('reads right-to-left text in its order of reading', async () => {
  expect((await extract('hebrew.pdf')).text).toBe('שלום עולם');
});

it('says of a font by a table that is not in the file that the text is there, and not to be had', async () => {
  await expect(extract('japanese.pdf')).rejects.toMatchObject({
    code: 'unsupported_format',
    message: expect.stringContaining('UniJIS-UCS2-H'),
  });
});

it('says of pages that are pictures that they are a scan', async () => {
  await expect(extractDocument(tinyPdf(['q 200 0 0 200 0 0 cm /Im Do Q', '']), 'scan.pdf')).rejects.toMatchObject({
    code: 'no_text',
    message: expect.stringContaining('scan'),
  });
});

it('keeps the pages that have text, and counts those that have none', async () => {
  const { text, pages } = await extractDocument(
    tinyPdf(['BT /F 12 Tf 20 200 Td (First) Tj ET', '', 'BT /F 12 Tf 20 200 Td (Third) Tj ET']),
    'a.pdf',
  );
  expect(text).toBe('First\n\nThird');
  expect(pages).toEqual([0, 5, 7]);
});

it('reads columns one after the other', async () => {
  const column = (left: number, words: string) =>
    `BT /F 12 Tf 14 TL ${left} 200 Td (${words} one) Tj T* (${words} two) Tj ET`;
  const { text } = await extractDocument(tinyPdf([`${column(20, 'Left')} ${column(200, 'Right')}`]), 'a.pdf');
  expect(text.split('\n\n')).toEqual(['Left one Left two', 'Right one Right two']);
});

it('begins a paragraph where the text goes on further above', async () => {
  const { text } = await extractDocument(
    tinyPdf(['BT /F 12 Tf 20 100 Td (Drawn first) Tj ET BT /F 12 Tf 20 200 Td (Drawn then) Tj ET']),
    'a.pdf',
  );
  expect(text).toBe('Drawn first\n\nDrawn then');
});

it.each([
  ['A title', 'A title'],
  ['Microsoft Word - draft.docx', undefined],
  ['untitled', undefined],
  ['', undefined],
])('takes "%s" for the title %s', async (written, title) => {
  const pdf = tinyPdf(['BT /F 12 Tf 20 100 Td (Words) Tj ET'], written);
  expect((await extractDocument(pdf, 'a.pdf')).title).toBe(title);
});

it('keeps a hyphen that may be of the word', async () => {
  const lines = (words: string, more = '') =>
    tinyPdf([`BT /F 12 Tf 14 TL 20 200 Td (It is ${words}-) Tj T* (word that is known) Tj T* T* (${more}) Tj ET`]);
  expect((await extractDocument(lines('pass'), 'a.pdf')).text).toContain('pass-word');
  expect((await extractDocument(lines('pass', 'A password.'), 'a.pdf')).text).toContain('is password that');
});

it.each([
  ['cut within its first page', sample('paper.pdf').subarray(0, 300)],
  ['of nothing but a header', Buffer.from('%PDF-1.7\n')],
  ['a page of a web server', Buffer.from('<!doctype html><p>404')],
])('refuses a file that is %s', async (_, bytes) => {
  await expect(extractDocument(bytes, 'a.pdf')).rejects.toMatchObject({ code: 'broken_document' });
});

it('reads a PDF whose table of objects is not where it says', async () => {
  const bytes = sample('paper.pdf');
  bytes.write('startxref\n7', bytes.lastIndexOf('startxref'));
  const { text } = await extractDocument(bytes, 'a.pdf');
  expect(text.split('\n\n')).toEqual(PAPER);
});
