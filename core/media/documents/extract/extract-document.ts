import { ItemError } from '../../item-error.ts';
import type { DocumentFormat, ExtractedDocument } from '../document.ts';
import { checkLength } from '../document-limits.ts';
import { adviceFor, formatOfName } from '../names.ts';
import { decodeText, xmlEncoding } from './decode-text.ts';
import { extractJsonLines } from './json-lines.ts';
import { extractMarkdown } from './markdown.ts';

/** Extracts a document of one format. */
type Extract = (bytes: Buffer) => Promise<ExtractedDocument> | ExtractedDocument;

/** Formats whose text is the decoded file. A decoder yields no lone surrogates. */
const AS_THEY_ARE: ReadonlySet<DocumentFormat> = new Set(['text', 'markdown', 'code', 'csv', 'jsonl']);

/** The libraries are heavy, so a process loads those of a format with the first document of it. */
const EXTRACTORS: Readonly<Record<DocumentFormat, Extract>> = {
  text: (bytes) => ({ format: 'text', text: decodeText(bytes), headings: [] }),
  code: (bytes) => ({ format: 'code', text: decodeText(bytes, xmlEncoding), headings: [] }),
  markdown: (bytes) => extractMarkdown(decodeText(bytes)),
  jsonl: (bytes) => extractJsonLines(decodeText(bytes)),
  csv: async (bytes) => (await import('./csv.ts')).extractCsv(decodeText(bytes)),
  html: async (bytes) => (await import('./html.ts')).extractHtml(bytes),
  pdf: async (bytes) => (await import('./pdf.ts')).extractPdf(bytes),
  docx: async (bytes) => (await import('./docx.ts')).extractDocx(bytes),
  epub: async (bytes) => (await import('./epub.ts')).extractEpub(bytes),
};

/**
 * Extracts a document's text and structure. The name's extension decides the format, except that a PDF is recognised
 * by its content. Work on a stranger's file may take long and much memory, so it belongs into a process that can be
 * killed.
 *
 * @throws ItemError empty_file, no_text, encrypted, not_text, unsupported_format, broken_document, document_too_large,
 *   archive_bomb
 */
export async function extractDocument(bytes: Buffer, name: string): Promise<ExtractedDocument> {
  if (bytes.length === 0) throw new ItemError('empty_file', 'the file is empty');
  const format = formatOf(bytes, name);
  const document = await extract(bytes, format);
  checkLength(document.text.length);
  if (!/\S/.test(document.text)) throw new ItemError('no_text', 'the document holds no text');
  return AS_THEY_ARE.has(format) ? document : wellFormed(document);
}

/** Whatever a library throws at a stranger's file is the file's fault. */
async function extract(bytes: Buffer, format: DocumentFormat): Promise<ExtractedDocument> {
  try {
    return await EXTRACTORS[format](bytes);
  } catch (error) {
    if (error instanceof ItemError) throw error;
    throw new ItemError('broken_document', `the document can't be read: ${(error as Error).message}`);
  }
}

/** A font's table or an entity may yield what UTF-8 and databases do not take. Each becomes U+FFFD, so offsets hold. */
function wellFormed(document: ExtractedDocument): ExtractedDocument {
  const clean = (words: string) => words.toWellFormed().replaceAll('\0', '\ufffd');
  return {
    ...document,
    ...(document.title !== undefined && { title: clean(document.title) }),
    text: clean(document.text),
    headings: document.headings.map((heading) => ({ ...heading, title: clean(heading.title) })),
  };
}

function formatOf(bytes: Buffer, name: string): DocumentFormat {
  if (bytes.toString('latin1', 0, 5) === '%PDF-') return 'pdf';
  const format = formatOfName(name);
  if (format !== undefined) return format;
  const advice = adviceFor(name);
  throw new ItemError(
    'unsupported_format',
    advice === undefined ? 'no document has such a name' : `this format can't be read: ${advice}`,
  );
}
