/** The formats of documents. */
export const DOCUMENT_FORMATS = ['text', 'markdown', 'html', 'pdf', 'docx', 'epub', 'csv', 'jsonl', 'code'] as const;
export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number];

/** A heading. `at` is where it begins in the text, and its words are part of the text. Level 1 is the highest. */
export interface Heading {
  at: number;
  level: number;
  title: string;
}

/** The text of a document. All offsets count UTF-16 code units of `text`, as JavaScript does. */
export interface ExtractedDocument {
  format: DocumentFormat;
  title?: string;
  /**
   * For text, Markdown, code, CSV and JSONL: the decoded file itself without a byte order mark, so offsets are the
   * file's own. Otherwise the text that was extracted. It has no lone surrogates.
   */
  text: string;
  /** Headings in their order. */
  headings: Heading[];
  /** The beginning of each page (PDF): page n begins at pages[n - 1]. */
  pages?: number[];
  /**
   * The beginning of each record (CSV row, JSONL line): record n begins at records[n - 1]. A chunk never spans two
   * records. A CSV's header lies before the first record and is none.
   */
  records?: number[];
}
