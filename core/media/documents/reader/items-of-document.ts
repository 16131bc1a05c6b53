import { createHash } from 'node:crypto';
import { packWords } from '../../../packed-words.ts';
import type { Item } from '../../medium.ts';
import type { Chunk } from '../chunk/chunking.ts';
import type { ExtractedDocument } from '../document.ts';
import { mimeTypeOf } from '../names.ts';

/** An item for each chunk of a document. Its content is the hash of its text, so an edit changes only what it touches. */
export function itemsOfDocument({ format, title }: ExtractedDocument, name: string, chunks: readonly Chunk[]): Item[] {
  const mimeType = mimeTypeOf(format, name);
  return chunks.map(({ text, start, end, headings, page, record, tokens }) => ({
    metadata: {
      mime_type: mimeType,
      format,
      ...(title !== undefined && { title }),
      text,
      headings,
      ...(page !== undefined && { page }),
      ...(record !== undefined && { record }),
      start,
      end,
      tokens,
    },
    content: createHash('sha256').update(text).digest('hex'),
    words: packWords(text),
  }));
}
