import { getDocumentProxy } from 'unpdf';
import { ItemError } from '../../item-error.ts';
import type { ExtractedDocument } from '../document.ts';
import { layOut } from './pdf-layout.ts';
import { linesOfPage, type PdfLine } from './pdf-lines.ts';

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>;

/** Titles that programs write when nobody gave one. */
const NO_TITLE = /^(?:untitled|\(anonymous\)|microsoft word\b.*|.*\.(?:docx?|tex|dvi|indd|qxd|pdf))$/i;

/** The text of a PDF's text layer, in paragraphs, with headings by the size of their letters. */
export async function extractPdf(bytes: Buffer): Promise<ExtractedDocument> {
  const missing = new Set<string>();
  const pdf = await open(bytes, missing);
  const pages = await readPages(pdf);
  if (missing.size > 0)
    throw new ItemError(
      'unsupported_format',
      `the PDF encodes its Chinese, Japanese or Korean text by a table that it does not hold (${[...missing].join(', ')}). ` +
        'Convert it to PDF/A, or extract its text with another program',
    );
  if (pages.every((lines) => lines.length === 0))
    throw new ItemError(
      'no_text',
      'the PDF has no text layer: its pages are pictures, as of a scan. Recognise its text (OCR) first',
    );
  const { text, headings, starts } = layOut(pages);
  const title = (await titleOf(pdf)) || headings.find(({ level }) => level === 1)?.title;
  return { format: 'pdf', ...(title && { title }), text, headings, pages: starts };
}

async function open(bytes: Buffer, missing: Set<string>): Promise<Pdf> {
  /** PDF.js asks it for Adobe's tables of characters, and goes on without the text. */
  class NoTables {
    async fetch({ kind, filename }: { kind: string; filename: string }): Promise<never> {
      if (kind === 'cMapUrl') missing.add(filename.replace(/\.bcmap$/, ''));
      throw new Error(`${filename} is not here`);
    }
  }
  try {
    // PDF.js keeps the bytes, and needs a buffer of its own.
    return await getDocumentProxy(new Uint8Array(bytes), {
      verbosity: 0,
      useSystemFonts: false,
      useWorkerFetch: false,
      BinaryDataFactory: NoTables,
    });
  } catch (error) {
    if ((error as Error).name === 'PasswordException')
      throw new ItemError('encrypted', 'the PDF is protected by a password: save it without one');
    throw broken((error as Error).message);
  }
}

const broken = (why: string) => new ItemError('broken_document', `this is no PDF, or a damaged one: ${why}`);

async function readPages(pdf: Pdf): Promise<PdfLine[][]> {
  const pages: PdfLine[][] = [];
  for (let n = 1; n <= pdf.numPages; n++) {
    pages.push(await readPage(pdf, n));
  }
  return pages;
}

async function readPage(pdf: Pdf, n: number): Promise<PdfLine[]> {
  try {
    const page = await pdf.getPage(n);
    const { items } = await page.getTextContent();
    page.cleanup();
    return linesOfPage(items);
  } catch (error) {
    throw broken(`page ${n}: ${(error as Error).message}`);
  }
}

async function titleOf(pdf: Pdf): Promise<string> {
  const { info } = await pdf.getMetadata().catch(() => ({ info: {} }));
  const { Title: title } = info as { Title?: unknown };
  return typeof title === 'string' && !NO_TITLE.test(title.trim()) ? title.trim() : '';
}
