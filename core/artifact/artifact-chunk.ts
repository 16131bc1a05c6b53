/** A chunk of a document, as an artifact holds it. Offsets count UTF-16 code units of the document's text. */
export interface ArtifactChunk {
  /** The chunk's number in the artifact: 0, 1, 2, … without a gap. */
  n: number;
  /** The document's path below the source. */
  document: string;
  /** The chunk's number in its document. */
  part: number;
  /** The headings above the chunk, the outermost first. */
  headings: string[];
  /** The page that it begins on, from 1. */
  page?: number;
  /** The record of a table that it belongs to, from 1. */
  record?: number;
  start: number;
  end: number;
  text: string;
}

/** The bytes of a chunk: JSON without its number, which every frame holds. JSON keeps lone surrogates as well. */
export function recordOf({ document, part, headings, page, record, start, end, text }: ArtifactChunk): Buffer {
  return Buffer.from(JSON.stringify({ document, part, headings, page, record, start, end, text }));
}

/** @throws SyntaxError if the bytes are no JSON */
export function chunkOf(n: number, record: Uint8Array): ArtifactChunk {
  return { n, ...(JSON.parse(Buffer.from(record).toString('utf8')) as Omit<ArtifactChunk, 'n'>) };
}
