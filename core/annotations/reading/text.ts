const STRICT = new TextDecoder('utf-8', { fatal: true });

/** Text of UTF-8 bytes, without a byte order mark. Undefined if they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return STRICT.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** The lines of a text of any system. */
export const linesOf = (text: string): string[] => text.split(/\r\n|\n|\r/);
