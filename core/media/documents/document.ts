/** The formats of documents. */
export const DOCUMENT_FORMATS = ['text', 'markdown', 'html', 'pdf', 'docx', 'epub', 'csv', 'jsonl', 'code'] as const;
export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number];

/** The text of a document. All offsets count UTF-16 code units of `text`, as JavaScript does. */
export interface ExtractedDocument {
  format: DocumentFormat;
  title?: string;
  text: string;
  headings: { at: number; level: number; title: string }[];
  pages?: number[];
  records?: number[];
}
