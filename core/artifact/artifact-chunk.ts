import type { ChunkText } from '../chunk-text.ts';

/** A chunk of a document, as an artifact holds it. */
export interface ArtifactChunk extends ChunkText {
  /** The chunk's number in the artifact: 0, 1, 2, … without a gap. */
  n: number;
  /** The document's path below the source. If there are several sources, it begins with the source's name. */
  document: string;
  /** The chunk's number in its document. */
  part: number;
}

/** The bytes of a chunk: JSON without its number, which every frame holds. JSON keeps lone surrogates as well. */
export function recordOf({ document, part, headings, page, record, start, end, text }: ArtifactChunk): Buffer {
  return Buffer.from(JSON.stringify({ document, part, headings, page, record, start, end, text }));
}

/** @throws SyntaxError if the bytes are no JSON */
export function chunkOf(n: number, record: Uint8Array): ArtifactChunk {
  return { n, ...(JSON.parse(Buffer.from(record).toString('utf8')) as Omit<ArtifactChunk, 'n'>) };
}
