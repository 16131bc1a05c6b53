import chardet from 'chardet';
import { ItemError } from '../../item-error.ts';

/** Git takes a file with a NUL among its first 8,000 bytes for binary. A NUL far behind is an accident of a log. */
const BINARY_WITHIN = 8000;
/** Text of a legacy encoding has next to no control characters; compressed data has a tenth of them. */
const MOST_CONTROLS = 0.01;
/** How much of a file is looked at to find its encoding. */
const SAMPLE_BYTES = 64 * 1024;
/** One wrong byte among so many characters beyond ASCII is damage, and the rest is UTF-8. */
const UTF8_PER_ERROR = 10;

/** Control characters that no text holds. Form feeds separate pages, and ESC begins colours in logs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it counts.
const CONTROLS = /[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]/g;
/** Code points that stand for no character. */
const UNASSIGNED = /[\p{Cn}\p{Co}\ufffd]/gu;
// biome-ignore lint/suspicious/noControlCharactersInRegex: ISO-2022-JP switches its character sets by ESC.
const ISO_2022_JP = /\x1b\$[@B]|\x1b\([JB]/;

/** All that a file says about its own encoding, for example in `<meta charset>`. */
export type DeclaredEncoding = (start: string) => string | undefined;

/** The encoding that an XML file declares. */
export const xmlEncoding: DeclaredEncoding = (start) =>
  /^\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["']/.exec(start)?.[1];

/**
 * Decodes a text file. A byte order mark decides, then UTF-8 if all bytes are valid, then UTF-16 by its pattern of
 * NULs, then what the file declares, then a guess by the frequency of characters. The mark is no part of the text.
 *
 * @throws ItemError not_text for a file that is no text in any encoding
 */
export function decodeText(bytes: Buffer, declared?: DeclaredEncoding): string {
  const marked = markOf(bytes);
  if (marked !== undefined) return withoutNulAhead(decode(bytes, marked) as string);

  const utf8 = decode(bytes, 'utf-8', { fatal: true });
  if (utf8 !== undefined) {
    if (bytes.subarray(0, BINARY_WITHIN).includes(0)) return decodeUtf16(bytes) ?? refuse();
    return ISO_2022_JP.test(utf8.slice(0, SAMPLE_BYTES)) ? (decode(bytes, 'iso-2022-jp') as string) : utf8;
  }
  if (bytes.includes(0)) return decodeUtf16(bytes) ?? refuse();
  return decodeLegacy(bytes, declared);
}

function refuse(): never {
  throw new ItemError('not_text', 'the file is binary, not text');
}

function markOf(bytes: Buffer): string | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return undefined;
}

function withoutNulAhead(text: string): string {
  return text.slice(0, BINARY_WITHIN).includes('\0') ? refuse() : text;
}

/** Undefined if the bytes are invalid in this encoding, or if this Node does not know it. */
function decode(bytes: Uint8Array, encoding: string, options: { fatal?: boolean } = {}): string | undefined {
  try {
    return new TextDecoder(encoding, options).decode(bytes);
  } catch {
    return undefined;
  }
}

/** UTF-16 without a mark: the high byte of each ASCII character, at least of blanks and line ends, is a NUL. */
function decodeUtf16(bytes: Buffer): string | undefined {
  if (bytes.length % 2 === 1) return undefined;
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  const nuls = [0, 0];
  for (const [at, byte] of sample.entries()) if (byte === 0) (nuls[at % 2] as number)++;
  const [even, odd] = nuls as [number, number];
  if (Math.min(even, odd) > 0) return undefined;
  const text = decode(bytes, even > 0 ? 'utf-16be' : 'utf-16le', { fatal: true });
  if (text === undefined) return undefined;
  const start = text.slice(0, SAMPLE_BYTES);
  const strange = (start.match(CONTROLS)?.length ?? 0) + (start.match(UNASSIGNED)?.length ?? 0);
  return strange <= MOST_CONTROLS * start.length ? text : undefined;
}

function decodeLegacy(bytes: Buffer, declared: DeclaredEncoding | undefined): string {
  const names = declared?.(bytes.toString('latin1', 0, 2048));
  const asDeclared = names === undefined ? undefined : decode(bytes, names, { fatal: true });
  if (asDeclared !== undefined) return checked(asDeclared);

  const lossy = decode(bytes, 'utf-8') as string;
  if (isMostlyUtf8(lossy)) return checked(lossy);

  // The characters before the first one beyond ASCII say nothing.
  const from = Math.max(0, bytes.findIndex((byte) => byte > 0x7f) - 1024);
  for (const { name } of chardet.analyse(bytes.subarray(from, from + SAMPLE_BYTES))) {
    const text = decode(bytes, name, { fatal: true });
    if (text !== undefined) return checked(text);
  }
  return checked(decode(bytes, 'windows-1252') as string);
}

/** Whether a text that was decoded with replacements is UTF-8 that a few bytes damage. */
function isMostlyUtf8(lossy: string): boolean {
  let errors = 0;
  let beyondAscii = 0;
  for (let at = 0; at < lossy.length; at++) {
    const code = lossy.charCodeAt(at);
    if (code === 0xfffd) errors++;
    else if (code > 0x7f) beyondAscii++;
  }
  return beyondAscii >= UTF8_PER_ERROR * errors;
}

function checked(text: string): string {
  const start = text.slice(0, SAMPLE_BYTES);
  return (start.match(CONTROLS)?.length ?? 0) > MOST_CONTROLS * start.length ? refuse() : text;
}
