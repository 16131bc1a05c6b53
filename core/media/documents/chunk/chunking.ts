/** How documents are cut into chunks. */
export interface Chunking {
  /** The most that a chunk holds, in `unit`. */
  size: number;
  /** How much of its end a chunk shares with the beginning of the next one, at most, in `unit`. */
  overlap: number;
  unit: 'tokens' | 'characters';
  /** The files of the tokenizer that counts. If absent, tokens are estimated: see count-tokens.ts. */
  tokenizer?: { tokenizerFile: string; configFile: string };
}

/** A part of a document. */
export interface Chunk {
  /** `document.text.slice(start, end)`. It neither begins nor ends with white space. */
  text: string;
  /** Offsets in UTF-16 code units of the document's text. */
  start: number;
  end: number;
  /** The headings above it, outermost first. */
  headings: string[];
  /** The page on which it begins, from 1. */
  page?: number;
  /** The row or line that it belongs to, from 1. */
  record?: number;
  tokens: number;
}
