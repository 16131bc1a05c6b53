/**
 * Reads the display size of an SVG from its root element alone. A decoder would read the whole document, build each
 * element, and follow references.
 */
import { promisify } from 'node:util';
import { gunzip, gunzipSync, constants as zlib } from 'node:zlib';
import sax from 'sax';

/** The size of a drawing in CSS pixels, or why it has none. */
export type SvgHeader =
  | { width: number; height: number }
  /**
   * `other`: the root element is not SVG. `none`: the width or height is missing, so nothing is shown. `cut`: the root
   * element was not reached.
   */
  | 'other'
  | 'none'
  | 'cut';

/** Compressed bytes to examine. They hold at most 1000 times as many bytes. */
const COMPRESSED_BYTES = 4096;
const TEXT_CHARACTERS = 64 * 1024;

/**
 * The start of a drawing as text, from compressed or UTF-16 input if needed. Characters outside ASCII do not matter.
 * Undefined if it is not text.
 */
export function startOfText(bytes: Buffer): string | undefined {
  const plain = isGzip(bytes) ? startOfGzip(bytes) : bytes;
  const encoding = utf16Of(plain);
  const text = encoding === undefined ? plain.toString('latin1') : new TextDecoder(encoding).decode(plain);
  const start = text.slice(0, TEXT_CHARACTERS).replace(/^(?:\ufeff|\xef\xbb\xbf)?\s*/, '');
  return start.startsWith('<') ? start : undefined;
}

const isGzip = (bytes: Buffer) => bytes[0] === 0x1f && bytes[1] === 0x8b;

function startOfGzip(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes.subarray(0, COMPRESSED_BYTES), { finishFlush: zlib.Z_SYNC_FLUSH });
  } catch {
    return Buffer.alloc(0);
  }
}

function utf16Of(bytes: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  switch (bytes.toString('latin1', 0, 2)) {
    case '\xff\xfe':
    case '<\0':
      return 'utf-16le';
    case '\xfe\xff':
    case '\0<':
      return 'utf-16be';
  }
  return undefined;
}

/** Characters per `parser.write` call. The parser processes all characters of a call. */
const PIECE_CHARACTERS = 1024;
/** Input that is not XML has an error at each character. */
const MAX_ERRORS = 20;

/** Reads the size of a drawing from its start, in CSS pixels. */
export function readSvgHeader(start: string): SvgHeader {
  const xml = sax.parser(true);
  let root: { name: string; attributes: Record<string, unknown> } | undefined;
  let errors = 0;
  xml.onopentag = (element) => {
    root ??= element;
  };
  // An undefined entity is one cause. Browsers and librsvg draw files with this error.
  xml.onerror = () => {
    errors += 1;
    xml.resume();
  };
  for (let at = 0; at < start.length && root === undefined && errors < MAX_ERRORS; at += PIECE_CHARACTERS)
    xml.write(start.slice(at, at + PIECE_CHARACTERS));
  if (root === undefined) return 'cut';
  return /^(?:[^:]+:)?svg$/.test(root.name) ? sizeOf(root.attributes) : 'other';
}

/** The default object size of CSS, which browsers use for a drawing without a size. */
const DEFAULT_SIZE = { width: 300, height: 150 };

/** The size by CSS's rules for replaced elements. A view box without a size counts as the size, as in librsvg. */
function sizeOf(attributes: Record<string, unknown>): SvgHeader {
  const width = lengthOf(attributes, 'width');
  const height = lengthOf(attributes, 'height');
  if (width === 0 || height === 0) return 'none';
  const box = viewBoxOf(attributes);
  const ratio = box && box.width / box.height;
  return whole(
    width ?? (height !== undefined && ratio ? height * ratio : (box?.width ?? DEFAULT_SIZE.width)),
    height ?? (width !== undefined && ratio ? width / ratio : (box?.height ?? DEFAULT_SIZE.height)),
  );
}

function whole(width: number, height: number): SvgHeader {
  const size = { width: Math.max(1, Math.round(width)), height: Math.max(1, Math.round(height)) };
  return size.width < 2 ** 31 && size.height < 2 ** 31 ? size : 'none';
}

/** CSS pixels per unit. Font units use the browsers' default font size. */
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  px: 1,
  in: 96,
  cm: 96 / 2.54,
  mm: 96 / 25.4,
  q: 96 / 101.6,
  pt: 96 / 72,
  pc: 16,
  em: 16,
  rem: 16,
  ex: 8,
};

const LENGTH = /^\s*\+?(\d*\.?\d+(?:e[+-]?\d+)?|\d+\.)([a-z]*)\s*$/i;

/**
 * The length in CSS pixels. Undefined if it depends on its container or is not a length. A style overrides the
 * attribute.
 */
function lengthOf(attributes: Record<string, unknown>, name: 'width' | 'height'): number | undefined {
  const style = new RegExp(`(?:^|;)\\s*${name}\\s*:([^;!]*)`, 'i').exec(String(attributes.style ?? ''));
  const [, number = '', unit = ''] = LENGTH.exec(style?.[1] ?? String(attributes[name] ?? '')) ?? [];
  const factor = UNITS[unit.toLowerCase()];
  return number === '' || factor === undefined ? undefined : Number(number) * factor;
}

function viewBoxOf({ viewBox }: Record<string, unknown>): { width: number; height: number } | undefined {
  const [, , width = 0, height = 0] = String(viewBox ?? '')
    .trim()
    .split(/[\s,]+/)
    .map(Number);
  return width > 0 && height > 0 && Number.isFinite(width / height) ? { width, height } : undefined;
}

const DECLARATION = /^\ufeff?\s*<\?xml[^>]*?\bencoding\s*=\s*["']([\w.:-]+)["'][^>]*?\?>/;

/**
 * Converts a drawing to the form that librsvg takes: UTF-8, uncompressed.
 *
 * @throws RangeError when it is larger than `mostBytes`
 * @throws TypeError when its bytes do not match its declared encoding
 */
export async function asPlainSvg(content: Buffer, mostBytes: number): Promise<Buffer> {
  const plain = isGzip(content) ? await promisify(gunzip)(content, { maxOutputLength: mostBytes }) : content;
  const declared = DECLARATION.exec(plain.toString('latin1', 0, 1024))?.[1];
  const encoding = utf16Of(plain) ?? declared ?? 'utf-8';
  if (/^utf-?8$/i.test(encoding)) return plain;
  const text = new TextDecoder(encoding).decode(plain);
  return Buffer.from(text.replace(DECLARATION, ''));
}
