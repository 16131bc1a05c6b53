/** How far a value of JSON has been read that may go on in the next bytes. Only its end is looked for. */
export interface OpenValue {
  kind: 'string' | 'container' | 'scalar';
  /** Lists and objects that are open. */
  depth: number;
  /** Inside a string, which may be one of a container. */
  inString: boolean;
  /** The byte before was a backslash that escapes the next. */
  escaped: boolean;
}

export const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** What ends a stretch of a container in which nothing is looked at: quotes and brackets. */
const MARKS = tableOf('"[]{}');
const OPENING = tableOf('[{');
const SPACE = tableOf(' \t\r\n');
/** What ends a number or a word. */
const ENDS = tableOf(' \t\r\n,:"[]{}');

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}

export const isSpace = (byte: number): boolean => SPACE[byte] === 1;

/** Begins a value at its first byte. Undefined if no value begins so. */
export function openValue(first: number): OpenValue | undefined {
  const kind =
    first === QUOTE ? 'string' : OPENING[first] === 1 ? 'container' : ENDS[first] === 1 ? undefined : 'scalar';
  return kind && { kind, depth: 0, inString: false, escaped: false };
}

/**
 * Looks for the end of a value. Brackets are counted, not matched with each other: parsing finds those that differ.
 *
 * @returns the index behind the value, or -1 if it goes on behind these bytes
 */
export function endOfValue(value: OpenValue, bytes: Buffer, start: number): number {
  if (value.kind === 'container') return endOfContainer(value, bytes, start);
  if (value.kind === 'scalar') {
    for (let at = start; at < bytes.length; at++) if (ENDS[bytes[at] as number] === 1) return at;
    return -1;
  }
  if (value.inString) return endOfString(value, bytes, start);
  value.inString = true;
  return endOfString(value, bytes, start + 1);
}

function endOfContainer(value: OpenValue, bytes: Buffer, start: number): number {
  const length = bytes.length;
  let at = start;
  let depth = value.depth;
  if (value.inString) {
    at = endOfString(value, bytes, at);
    if (at === -1) return -1;
  }
  while (at < length) {
    const byte = bytes[at++] as number;
    if (MARKS[byte] === 0) continue;
    if (byte === QUOTE) {
      value.inString = true;
      at = endOfString(value, bytes, at);
      if (at === -1) break;
    } else if (OPENING[byte] === 1) {
      depth++;
    } else if (--depth === 0) {
      value.depth = 0;
      return at;
    }
  }
  value.depth = depth;
  return -1;
}

/** Strings are mostly short: calling indexOf costs as much as looking at so many bytes. */
const SHORT = 40;

function endOfString(value: OpenValue, bytes: Buffer, start: number): number {
  const length = bytes.length;
  let at = start;
  if (value.escaped && at < length) {
    value.escaped = false;
    at++;
  }
  const near = Math.min(length, at + SHORT);
  while (at < near) {
    const byte = bytes[at++] as number;
    if (byte === QUOTE) {
      value.inString = false;
      return at;
    }
    if (byte === BACKSLASH) {
      if (at === length) {
        value.escaped = true;
        return -1;
      }
      at++;
    }
  }
  return endOfLongString(value, bytes, at);
}

function endOfLongString(value: OpenValue, bytes: Buffer, start: number): number {
  for (let from = start; ; ) {
    const quote = bytes.indexOf(QUOTE, from);
    const end = quote === -1 ? bytes.length : quote;
    let backslashes = 0;
    while (end - backslashes > from && bytes[end - backslashes - 1] === BACKSLASH) backslashes++;
    const isEscaped = backslashes % 2 === 1;
    if (quote === -1) {
      value.escaped = isEscaped;
      return -1;
    }
    if (!isEscaped) {
      value.inString = false;
      return quote + 1;
    }
    from = quote + 1;
  }
}
