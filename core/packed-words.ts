import { countForms, formsToFind, hashOfWord } from './words.ts';

/** The form of the bytes. A change of it, or of what a word is, gets another number. */
const FORM = 1;
/** A word's hash, 32 bits, little-endian, and how often it comes, 255 at most. */
const BYTES_A_WORD = 5;
const MOST_TIMES = 255;

/** The different words of a text as bytes: what a search needs to know of it. */
export function packWords(text: string): Uint8Array<ArrayBuffer> {
  const times = countForms(text);
  const bytes = new Uint8Array(1 + times.size * BYTES_A_WORD);
  const view = new DataView(bytes.buffer);
  bytes[0] = FORM;
  let at = 1;
  for (const [{ hash }, count] of times) {
    view.setUint32(at, hash, true);
    view.setUint8(at + 4, Math.min(count, MOST_TIMES));
    at += BYTES_A_WORD;
  }
  return bytes;
}

/** Calls back with each word's hash and how often it comes. Bytes of another form hold none. */
export function unpackWords(bytes: Uint8Array, onWord: (hash: number, times: number) => void): void {
  if (bytes[0] !== FORM) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 1; at + BYTES_A_WORD <= bytes.length; at += BYTES_A_WORD)
    onWord(view.getUint32(at, true), view.getUint8(at + 4));
}

/** The hashes of the different words that a query looks for. */
export const wordHashes = (query: string): number[] => [...new Set([...formsToFind(query)].map(hashOfWord))];
