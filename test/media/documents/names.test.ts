import { expect, it } from 'vitest';
import { DOCUMENT_FORMATS } from '../../../core/media/documents/document.ts';
import {
  DEFAULT_DOCUMENT_LIMITS,
  documentLimitsFromEnvironment,
} from '../../../core/media/documents/document-limits.ts';
import {
  adviceFor,
  DOCUMENT_MIME_TYPES,
  formatOfName,
  isDocumentName,
  mimeTypeOf,
} from '../../../core/media/documents/names.ts';

it.each([
  ['notes.txt', 'text', 'text/plain'],
  ['notes.rst', 'text', 'text/plain'],
  ['NOTES.MD', 'markdown', 'text/markdown'],
  ['page.HTML', 'html', 'text/html'],
  ['page.xhtml', 'html', 'application/xhtml+xml'],
  ['paper.pdf', 'pdf', 'application/pdf'],
  ['report.docx', 'docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
  ['book.epub', 'epub', 'application/epub+zip'],
  ['ships.csv', 'csv', 'text/csv'],
  ['ships.tsv', 'csv', 'text/tab-separated-values'],
  ['ships.ndjson', 'jsonl', 'application/jsonl'],
  ['main.tar.py', 'code', 'text/plain'],
  ['folder.d/README', 'text', 'text/plain'],
  ['Makefile', 'code', 'text/plain'],
] as const)('%s is a document of format %s and type %s', (name, format, type) => {
  expect(isDocumentName(name)).toBe(true);
  expect(formatOfName(name)).toBe(format);
  expect(mimeTypeOf(format, name)).toBe(type);
  expect(DOCUMENT_MIME_TYPES).toContain(type);
});

it.each([
  'data.json',
  'photo.jpg',
  'archive.zip',
  '.env',
  '.txt',
  'txt',
  'key.pem',
  'folder.txt/file',
  'constructor',
  'a.constructor',
])('%s is no document', (name) => {
  expect(isDocumentName(name)).toBe(false);
});

it('knows formats that it does not read, and says what to do', () => {
  expect(isDocumentName('old.DOC')).toBe(true);
  expect(formatOfName('old.DOC')).toBeUndefined();
  expect(adviceFor('old.DOC')).toBe('save it as DOCX or PDF');
});

it('has names for each format', () => {
  const names = ['a.txt', 'a.md', 'a.html', 'a.pdf', 'a.docx', 'a.epub', 'a.csv', 'a.jsonl', 'a.ts'];
  expect(names.map(formatOfName)).toEqual([...DOCUMENT_FORMATS]);
});

it('reads the limit of bytes from the environment', () => {
  expect(documentLimitsFromEnvironment({})).toEqual(DEFAULT_DOCUMENT_LIMITS);
  expect(documentLimitsFromEnvironment({ PLIMSOLL_MAX_DOCUMENT_BYTES: '1000' })).toEqual({ maxBytes: 1000 });
  for (const wrong of ['0', '1.5', 'many', '-1'])
    expect(() => documentLimitsFromEnvironment({ PLIMSOLL_MAX_DOCUMENT_BYTES: wrong })).toThrow(
      expect.objectContaining({ code: 'InvalidSetting', message: expect.stringContaining(`"${wrong}"`) }),
    );
});
