/** How documents are cut into chunks. */
export interface Chunking {
  /** The longest chunk, in units. */
  size: number;
  /** How much of a chunk is repeated at the start of the next one, in units. */
  overlap: number;
  unit: 'tokens' | 'characters';
  /** Files of the tokenizer. Absent: the built-in count. */
  tokenizer?: { tokenizerFile: string; configFile: string };
}

/** A part of a document: `text` is `document.text.slice(start, end)`. */
export interface Chunk {
  text: string;
  start: number;
  end: number;
  /** Titles of the headings above it, the highest first. */
  headings: string[];
  /** The page that it begins on, from 1. */
  page?: number;
  /** Its record, from 1. */
  record?: number;
  tokens: number;
}
