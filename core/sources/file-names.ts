/**
 * Names of files as text. POSIX names are bytes: one that is not valid UTF-8 is shown with its bad bytes as `\xNN` and its
 * backslashes doubled, and keeps its raw bytes beside the text, for opening it.
 */
export interface FileName {
  text: string;
  bytes?: Buffer;
}

const strict = new TextDecoder('utf-8', { fatal: true });

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

/** Compares as MongoDB's simple collation does: by UTF-8 bytes. UTF-16 order differs from it once surrogates take part. */
export function comparePaths(a: string, b: string): number {
  if (!SURROGATE.test(a) && !SURROGATE.test(b)) return a < b ? -1 : a > b ? 1 : 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

const SURROGATE = /[\ud800-\udfff]/;

/** The comparison to sort many names by: the cheap one where it gives the same order. */
export function comparatorFor(names: readonly string[]): ((a: string, b: string) => number) | undefined {
  return names.some((name) => SURROGATE.test(name)) ? comparePaths : undefined;
}
