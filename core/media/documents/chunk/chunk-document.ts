import type { ExtractedDocument } from '../document.ts';
import type { Chunk, Chunking } from './chunking.ts';

/** A paragraph: lines up to an empty one. */
const PARAGRAPH = /\S[^\r\n]*(?:(?:\r\n|\r|\n)[^\S\r\n]*\S[^\r\n]*)*/g;

/** Creates the function that cuts documents at paragraphs. */
export async function createChunker({ size, unit }: Chunking): Promise<(document: ExtractedDocument) => Chunk[]> {
  const most = unit === 'characters' ? size : 4 * size;
  return ({ text, headings, pages = [], records = [] }) => {
    const chunks: Chunk[] = [];
    const starts = [0, ...records, text.length];
    for (let n = 0; n + 1 < starts.length; n++)
      for (const { 0: words, index } of text.slice(starts[n], starts[n + 1]).matchAll(PARAGRAPH))
        for (let at = 0; at < words.length; at += most) {
          const start = (starts[n] as number) + index + at;
          const part = words.slice(at, at + most);
          chunks.push({
            text: part,
            start,
            end: start + part.length,
            headings: pathAt(headings, start),
            ...(pages.length > 0 && { page: pages.filter((page) => page <= start).length }),
            ...(n > 0 && { record: n }),
            tokens: Math.ceil(part.length / 4),
          });
        }
    return chunks;
  };
}

function pathAt(headings: ExtractedDocument['headings'], start: number): string[] {
  const path: ExtractedDocument['headings'] = [];
  for (const heading of headings) {
    if (heading.at > start) break;
    while ((path.at(-1)?.level ?? 0) >= heading.level) path.pop();
    path.push(heading);
  }
  return path.map(({ title }) => title);
}
