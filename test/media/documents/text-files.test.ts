import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { MAX_CHARACTERS } from '../../../core/media/documents/document-limits.ts';
import { extractDocument } from '../../../core/media/documents/extract/extract-document.ts';

const textOf = async (bytes: Buffer, name = 'a.txt') => (await extractDocument(bytes, name)).text;
const codeOf = (bytes: Buffer, name = 'a.txt') =>
  extractDocument(bytes, name).then(
    () => undefined,
    (error) => error.code,
  );

/** Texts as Python encodes them: see samples/make-encodings.py. */
const ENCODINGS: { name: string; text: string; bytes: string }[] = JSON.parse(
  readFileSync(join(import.meta.dirname, 'samples/encodings.json'), 'utf8'),
);
const encoded = (name: string) => {
  const found = ENCODINGS.find((each) => each.name === name) as (typeof ENCODINGS)[number];
  return { text: found.text, bytes: Buffer.from(found.bytes, 'base64') };
};

it.each(ENCODINGS.map(({ name }) => name).filter((name) => !name.startsWith('declared')))(
  'decodes %s',
  async (name) => {
    const { text, bytes } = encoded(name);
    expect(await textOf(bytes)).toBe(text);
  },
);

it('decodes source code and pages by what they declare', async () => {
  const { text, bytes } = encoded('declared by XML');
  expect(await textOf(bytes, 'a.xml')).toBe(text);
  expect(await textOf(encoded('declared by HTML').bytes, 'a.html')).toBe('Å');
});

it('takes a file that is UTF-8 but for a few bytes for UTF-8', async () => {
  const bytes = Buffer.concat([
    Buffer.from('船の側面に表示されます'),
    Buffer.from([0xe9]),
    Buffer.from('Грузовая марка'),
  ]);
  expect(await textOf(bytes)).toBe('船の側面に表示されます\ufffdГрузовая марка');
});

it('keeps right-to-left text, combining characters and emoji as they are', async () => {
  const text = 'שָׁלוֹם עולם \u200fالعربية\u200e cafe\u0301 👩‍🚀🏳️‍🌈 می‌خواهم\n';
  expect(await textOf(Buffer.from(text))).toBe(text);
});

/** A random text with all kinds of line ends, blanks, marks of formats and scripts. */
function randomText(): string {
  const pieces = [
    'word',
    ' ',
    '\n',
    '\r\n',
    '\r',
    '\t',
    '"',
    ',',
    ';',
    '# ',
    '---\n',
    '```\n',
    '{"a":1}',
    'é',
    '日本',
    '🚢',
    'ש',
    '\f',
    '\u2028',
    '|',
    '\\',
    '<b>',
  ];
  return Array.from(randomBytes(400), (byte) => pieces[byte % pieces.length]).join('');
}

it.each(['a.txt', 'a.md', 'a.py', 'a.csv', 'a.jsonl'])('the text of %s is the decoded file itself', async (name) => {
  for (let n = 0; n < 200; n++) {
    const text = `word${randomText()}`;
    const document = await extractDocument(Buffer.from(text), name);
    expect(document.text).toBe(text);
    const starts = [...(document.records ?? []), ...document.headings.map(({ at }) => at)];
    for (const start of starts) expect(text[start]).not.toMatch(/^[\n\r]?$/);
    expect(document.records ?? []).toEqual([...new Set(document.records)].sort((a, b) => a - b));
  }
});

it('refuses binary files that are named as text', async () => {
  expect(await codeOf(randomBytes(5000))).toBe('not_text');
  expect(await codeOf(gzipSync(randomBytes(500)))).toBe('not_text');
  expect(await codeOf(Buffer.from('a\0b'))).toBe('not_text');
  expect(await codeOf(Buffer.from('a\0\0b'))).toBe('not_text');
  expect(await codeOf(Buffer.from([1, 0, 2, 0, 3, 0]))).toBe('not_text');
  expect(await codeOf(Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1'), 'a.md')).toBe('not_text');
  expect(await codeOf(Buffer.from('\ufeffa\0b', 'utf16le'))).toBe('not_text');
  // Without a NUL, control characters show that it is none.
  expect(await codeOf(Buffer.from(randomBytes(5000).map((byte) => byte || 1)))).toBe('not_text');
});

it('keeps a NUL far behind the start, as a log has after a power cut', async () => {
  const text = `${'A line of a log.\n'.repeat(1000)}\0\0\0\nand on.\n`;
  expect(await textOf(Buffer.from(text), 'a.log')).toBe(text);
});

it('refuses empty and blank files, and texts that are too long', async () => {
  expect(await codeOf(Buffer.alloc(0))).toBe('empty_file');
  expect(await codeOf(Buffer.from('\ufeff \n'))).toBe('no_text');
  await expect(extractDocument(Buffer.alloc(MAX_CHARACTERS + 1, 'a'), 'a.txt')).rejects.toMatchObject({
    code: 'document_too_large',
    message: expect.stringContaining('20,000,000'),
  });
  expect((await textOf(Buffer.alloc(MAX_CHARACTERS, 'a'))).length).toBe(MAX_CHARACTERS);
});

it('has a record for each line of JSONL that is not blank, also for one that is invalid', async () => {
  const text = '{"a":"x"}\r\n\r\n{broken\n  \n{"b":[1,2]}';
  const { records } = await extractDocument(Buffer.from(text), 'a.jsonl');
  expect(records?.map((start) => text.slice(start, start + 4))).toEqual(['{"a"', '{bro', '{"b"']);
});
