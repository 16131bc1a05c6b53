import { readWordTokens } from '../../text/tokenizer.ts';
import type { Chunking } from './chunking.ts';

/** Texts whose counts are kept. Pieces are counted more than once: alone, and as parts of a chunk. */
const KEPT = 10_000;

/**
 * Reads the tokenizer of a model. Returns a function that counts the tokens of a text without special ones.
 *
 * @throws ModelInvalidError naming the file and the field
 */
export async function readTokenCounter({
  tokenizerFile,
  configFile,
}: NonNullable<Chunking['tokenizer']>): Promise<(text: string) => number> {
  const tokensOf = await readWordTokens(tokenizerFile, configFile);
  const counts = new Map<string, number>();
  return (text) => {
    const known = counts.get(text);
    if (known !== undefined) return known;
    const count = tokensOf(text);
    if (counts.size >= KEPT) counts.clear();
    counts.set(text, count);
    return count;
  };
}
