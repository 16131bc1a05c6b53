/**
 * A file name as text. POSIX names are bytes. A name that is not valid UTF-8 shows its bad bytes as `\xNN` and its
 * backslashes doubled. Its raw bytes are kept beside the text, for opening the file.
 */
export interface FileName {
  text: string;
  bytes?: Buffer;
}

const strict = new TextDecoder('utf-8', { fatal: true });

/** Decodes the bytes of a file name. */
export function fileNameOf(bytes: Buffer): FileName {
  const text = decode(bytes);
  return text === undefined ? { text: escapeInvalidUtf8(bytes), bytes } : { text };
}

function decode(bytes: Buffer): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

function escapeInvalidUtf8(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = [1, 2, 3, 4].find((n) => at + n <= bytes.length && decode(bytes.subarray(at, at + n)) !== undefined);
    if (length === undefined) {
      text += `\\x${bytes[at]?.toString(16).padStart(2, '0')}`;
      at += 1;
      continue;
    }
    const character = bytes.toString('utf8', at, at + length);
    text += character === '\\' ? '\\\\' : character;
    at += length;
  }
  return text;
}

/** Compares by UTF-8 bytes, as MongoDB's simple collation does. UTF-16 order differs for surrogates. */
export function comparePaths(a: string, b: string): number {
  if (!SURROGATE.test(a) && !SURROGATE.test(b)) return a < b ? -1 : a > b ? 1 : 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

const SURROGATE = /[\ud800-\udfff]/;

/** The comparator for sorting these names. Undefined if the default sort, which is faster, gives the same order. */
export function comparatorFor(names: readonly string[]): ((a: string, b: string) => number) | undefined {
  return names.some((name) => SURROGATE.test(name)) ? comparePaths : undefined;
}
