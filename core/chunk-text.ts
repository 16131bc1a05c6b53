/** The text of a chunk, and where in its document it stands. */
export interface ChunkText {
  text: string;
  /** The headings above it, the outermost first. */
  headings: string[];
  /** The page on which it begins, from 1. */
  page?: number;
  /** The row or line that it belongs to, from 1. */
  record?: number;
  /** Offsets in the document's text, in UTF-16 code units; `end` is exclusive. */
  start: number;
  end: number;
}

/** These fields alone of a chunk, which may have more. */
export const chunkTextOf = ({ text, headings, page, record, start, end }: ChunkText): ChunkText => ({
  text,
  headings,
  ...(page === undefined ? {} : { page }),
  ...(record === undefined ? {} : { record }),
  start,
  end,
});
