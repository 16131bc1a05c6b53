import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { extractDocument } from '../../../core/media/documents/extract/extract-document.ts';
import { type ZipEntry, zipFile } from '../../support/zip-file.ts';

/** Written by samples/make-samples.py. */
const sample = (name: string) => readFileSync(join(import.meta.dirname, 'samples', name));
const extract = (name: string) => extractDocument(sample(name), name);
const codeOf = (bytes: Buffer, name: string) =>
  extractDocument(bytes, name).then(
    () => undefined,
    (error) => error.code,
  );

const WORD = 'http://schemas.openxmlformats.org/wordprocessingml/2006/main';
const RELATIONS = 'http://schemas.openxmlformats.org/package/2006/relationships';

/** A DOCX by hand, with these entries beside those that it must have. */
function docx(body: string, more: ZipEntry[] = []): Buffer {
  const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument';
  return zipFile([
    {
      name: '_rels/.rels',
      content: `<Relationships xmlns="${RELATIONS}"><Relationship Id="r" Type="${office}" Target="word/document.xml"/></Relationships>`,
    },
    { name: 'word/document.xml', content: `<w:document xmlns:w="${WORD}"><w:body>${body}</w:body></w:document>` },
    ...more,
  ]);
}
const paragraph = (words: string) => `<w:p><w:r><w:t>${words}</w:t></w:r></w:p>`;

const CONTAINER = '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>';
const OPF = `<package><metadata/><manifest><item id="a" href="a%20b.xhtml" media-type="application/xhtml+xml"/>
  </manifest><spine><itemref idref="a"/></spine></package>`;

/** An EPUB by hand. */
function epub(entries: Record<string, string>): Buffer {
  const all = {
    'META-INF/container.xml': CONTAINER,
    'OPS/book.opf': OPF,
    'OPS/a b.xhtml': '<p>Words.</p>',
    ...entries,
  };
  return zipFile(Object.entries(all).map(([name, content]) => ({ name, content })));
}

it('reads a Word document: title, headings, lists, tables, any script', async () => {
  const { title, text, headings } = await extract('report.docx');
  expect(title).toBe('Annual report');
  expect(text.split('\n\n')).toEqual([
    'Report',
    'Ships',
    'Twelve ships are at sea.',
    'Crews',
    'A master\nTwo mates',
    'Name\tTons\nAurora\t1200',
    'שלום עולם, 満載喫水線, العربية',
  ]);
  expect(headings.map(({ at, level, title: words }) => [level, words, text.slice(at, at + words.length)])).toEqual([
    [1, 'Report', 'Report'],
    [1, 'Ships', 'Ships'],
    [2, 'Crews', 'Crews'],
  ]);
});

it('reads the notes of a Word document behind its text', async () => {
  const notes = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes';
  const bytes = docx(paragraph('words').replace('</w:r>', '</w:r><w:r><w:footnoteReference w:id="1"/></w:r>'), [
    {
      name: 'word/_rels/document.xml.rels',
      content: `<Relationships xmlns="${RELATIONS}"><Relationship Id="n" Type="${notes}" Target="footnotes.xml"/></Relationships>`,
    },
    {
      name: 'word/footnotes.xml',
      content: `<w:footnotes xmlns:w="${WORD}"><w:footnote w:id="1">${paragraph('A note.')}</w:footnote></w:footnotes>`,
    },
  ]);
  expect((await extractDocument(bytes, 'a.docx')).text).toBe('words[1]\n\nA note.');
});

it('reads a book in its order, with headings from its chapters or its table of contents', async () => {
  const { title, text, headings } = await extract('book.epub');
  expect(title).toBe('Tales of the sea');
  const paragraphs = [
    'Departure',
    'The ship left at dawn.',
    'The crew',
    'All slept.',
    'Storm',
    'The wind rose fast.',
    'Port',
    '満載喫水線',
  ];
  expect(text.split('\n\n')).toEqual(paragraphs);
  expect(headings.map(({ at, level, title: words }) => [level, words, text.slice(at, at + words.length)])).toEqual([
    [1, 'Departure', 'Departure'],
    [2, 'The crew', 'The crew'],
    [1, 'Storm', 'Storm'],
    [1, 'Port', 'Port'],
  ]);
});

it('reads labels of the older table of contents', async () => {
  const bytes = epub({
    'OPS/book.opf': OPF.replace('</manifest>', '<item id="n" href="toc.ncx" media-type="x"/></manifest>').replace(
      '<spine>',
      '<spine toc="n">',
    ),
    'OPS/toc.ncx':
      '<ncx><navPoint><navLabel><text>The  first</text></navLabel><content src="a%20b.xhtml#x"/></navPoint></ncx>',
  });
  expect(await extractDocument(bytes, 'a.epub')).toMatchObject({
    text: 'The first\n\nWords.',
    headings: [{ at: 0, level: 1, title: 'The first' }],
  });
});

it('refuses what is protected by a password or by DRM', async () => {
  expect(await codeOf(sample('locked.docx'), 'a.docx')).toBe('encrypted');
  const container = { name: 'META-INF/container.xml', content: CONTAINER, isEncrypted: true };
  expect(await codeOf(zipFile([container]), 'a.epub')).toBe('encrypted');
  const encryption = (uri: string) => ({
    'META-INF/encryption.xml': `<encryption xmlns:e="x"><e:EncryptedData><e:CipherData><e:CipherReference URI="${uri}"/></e:CipherData></e:EncryptedData></encryption>`,
  });
  expect(await codeOf(epub(encryption('OPS/a%20b.xhtml')), 'a.epub')).toBe('encrypted');
  // Obfuscated fonts hide no text.
  expect(await codeOf(epub(encryption('OPS/font.otf')), 'a.epub')).toBeUndefined();
});

it('refuses archives that are bombs, before they are unpacked', async () => {
  const zeros = Buffer.alloc(300 * 1024 * 1024);
  expect(await codeOf(docx(paragraph('words'), [{ name: 'word/media/x', content: zeros }]), 'a.docx')).toBe(
    'archive_bomb',
  );
  // It says that it is small.
  const lying = [{ name: 'word/styles.xml', content: zeros, declaredSize: 100 }];
  expect(await codeOf(docx(paragraph('words'), lying), 'a.docx')).toBe('archive_bomb');
  const many = Array.from({ length: 10_000 }, (_, n) => ({ name: `word/${n}`, content: '' }));
  expect(await codeOf(docx(paragraph('words'), many), 'a.docx')).toBe('archive_bomb');
  expect(await codeOf(zipFile([{ name: 'META-INF/container.xml', content: zeros, declaredSize: 100 }]), 'a.epub')).toBe(
    'archive_bomb',
  );
});

it('believes an archive that says that it is too large', async () => {
  const entry = { name: 'word/styles.xml', content: '<x/>', declaredSize: 300 * 1024 * 1024 };
  expect(await codeOf(docx(paragraph('words'), [entry]), 'a.docx')).toBe('archive_bomb');
});

it('counts what all entries unpack to together', async () => {
  const part = Buffer.alloc(100 * 1024 * 1024);
  const parts = [1, 2, 3].map((n) => ({ name: `word/${n}.xml`, content: part, declaredSize: 10 }));
  expect(await codeOf(docx(paragraph('words'), parts), 'a.docx')).toBe('archive_bomb');
  expect(await codeOf(docx(paragraph('words'), parts.slice(1)), 'a.docx')).toBeUndefined();
});

it('reads an archive in an archive as what it is: an entry', async () => {
  expect(
    await codeOf(docx(paragraph('words'), [{ name: 'inner.zip', content: docx(paragraph('x')) }]), 'a.docx'),
  ).toBeUndefined();
});

it.each([
  ['cut', sample('report.docx').subarray(0, 20_000), 'a.docx', 'broken_document'],
  ['no archive', Buffer.from('words'), 'a.docx', 'broken_document'],
  ['another archive', zipFile([{ name: 'a.txt', content: 'words' }]), 'a.docx', 'broken_document'],
  ['of broken XML', docx('<w:p><w:r><w:t>words</w:p>'), 'a.docx', 'broken_document'],
  ['old Word', Buffer.from('d0cf11e0a1b11ae1000000', 'hex'), 'a.docx', 'unsupported_format'],
  ['without words', docx('<w:p/>'), 'a.docx', 'no_text'],
  ['a book without a package', epub({ 'META-INF/container.xml': '<container/>' }), 'a.epub', 'broken_document'],
  ['a book without its chapter', epub({ 'OPS/book.opf': OPF.replace('a%20b', 'c') }), 'a.epub', 'broken_document'],
  ['a book without chapters', epub({ 'OPS/book.opf': '<package/>' }), 'a.epub', 'broken_document'],
  ['another archive', zipFile([{ name: 'a.txt', content: 'words' }]), 'a.epub', 'broken_document'],
])('says what is wrong with a document that is %s', async (_, bytes, name, code) => {
  expect(await codeOf(bytes, name)).toBe(code);
});
