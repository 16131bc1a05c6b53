/** For each ASCII letter or digit, its lower-case code; 0 for every other character. */
const LOWER = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  return /[a-z0-9]/i.test(character) ? character.toLowerCase().charCodeAt(0) : 0;
});

/** The code of an ASCII letter or digit in lower case; 0 for every other code. */
export const lowerCode = (code: number): number => (code < LOWER.length ? (LOWER[code] as number) : 0);

/** Places of the table. It is at most half full, so that the search for a word ends, and soon. */
const PLACES = 2 ** 17;
const MOST_WORDS = PLACES / 2;

/** Values by words of ASCII letters and digits. Case makes no difference. */
export interface AsciiWords<T> {
  /** Whether the table keeps no more words, until it is cleared. */
  readonly isFull: boolean;
  /** The value of the word between two places of a text. It is looked up where it stands, without being cut out. */
  find(text: string, start: number, end: number): T;
  clear(): void;
}

/** Creates an empty table. `make` gives the value of a word, in lower case, that the table does not keep. */
export function createAsciiWords<T>(make: (word: string) => T): AsciiWords<T> {
  const places: ({ word: string; value: T } | undefined)[] = new Array(PLACES).fill(undefined);
  let size = 0;
  return {
    get isFull() {
      return size >= MOST_WORDS;
    },
    find(text, start, end) {
      // FNV-1a, whose low bits are mixed from its high ones.
      let hash = 0x811c9dc5;
      for (let i = start; i < end; i += 1) hash = Math.imul(hash ^ lowerCode(text.charCodeAt(i)), 0x01000193);
      for (let place = (hash ^ (hash >>> 15)) & (PLACES - 1); ; place = (place + 1) & (PLACES - 1)) {
        const entry = places[place];
        if (entry === undefined) {
          const word = text.slice(start, end).toLowerCase();
          const value = make(word);
          if (size < MOST_WORDS) {
            places[place] = { word, value };
            size += 1;
          }
          return value;
        }
        if (isWord(entry.word, text, start, end)) return entry.value;
      }
    },
    clear() {
      places.fill(undefined);
      size = 0;
    },
  };
}

function isWord(word: string, text: string, start: number, end: number): boolean {
  if (word.length !== end - start) return false;
  for (let i = 0; i < word.length; i += 1)
    if (word.charCodeAt(i) !== lowerCode(text.charCodeAt(start + i))) return false;
  return true;
}
