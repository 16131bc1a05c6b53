import { ItemError } from '../../item-error.ts';
import type { DocumentFormat, ExtractedDocument } from '../document.ts';
import { checkLength } from '../document-limits.ts';
import { adviceFor, formatOfName } from '../names.ts';
import { decodeText } from './decode-text.ts';
import { extractJsonLines } from './json-lines.ts';
import { extractMarkdown } from './markdown.ts';

/** Extracts a document of one format. */
type Extract = (bytes: Buffer) => Promise<ExtractedDocument> | ExtractedDocument;

/** The libraries are heavy, so a process loads those of a format with the first document of it. */
const EXTRACTORS: Readonly<Partial<Record<DocumentFormat, Extract>>> = {
  text: (bytes) => ({ format: 'text', text: decodeText(bytes), headings: [] }),
  code: (bytes) => ({ format: 'code', text: decodeText(bytes, xmlEncoding), headings: [] }),
  markdown: (bytes) => extractMarkdown(decodeText(bytes)),
  jsonl: (bytes) => extractJsonLines(decodeText(bytes)),
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
  const extract = EXTRACTORS[formatOf(bytes, name)];
  if (extract === undefined) throw new ItemError('unsupported_format', "this format can't be read");
  const document = await extract(bytes);
  checkLength(document.text.length);
  if (!/\S/.test(document.text)) throw new ItemError('no_text', 'the document holds no text');
  return document;
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

/** The encoding that an XML file declares. */
function xmlEncoding(start: string): string | undefined {
  return /^\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["']/.exec(start)?.[1];
}
