/**
 * Drawings: how large one is to be shown, told by its root element alone. A decoder would read the whole document for that,
 * build each of its elements, and follow what it includes.
 */
import { promisify } from 'node:util';
import { gunzip, gunzipSync, constants as zlib } from 'node:zlib';
import sax from 'sax';

export type SvgHeader =
  | { width: number; height: number }
  /** The root element is of another language; `none`: no width or no height, so that nothing is shown; `cut`: there is no root so far. */
  | 'other'
  | 'none'
  | 'cut';

/** Of compressed bytes so many are looked at: they hold 1000 times as many at most. */
const COMPRESSED_BYTES = 4096;
const TEXT_CHARACTERS = 64 * 1024;

/** The start of a drawing as text, compressed or in UTF-16 as it may be; other letters than ASCII do not matter. Undefined for what is no text. */
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

/** As they go to `parser.write`, which reads all that it is given. */
const PIECE_CHARACTERS = 1024;
/** What is no XML has an error at each letter. */
const MOST_ERRORS = 20;

/** The size of a drawing in CSS pixels, by its start. */
export function readSvgHeader(start: string): SvgHeader {
  const xml = sax.parser(true);
  let root: { name: string; attributes: Record<string, unknown> } | undefined;
  let errors = 0;
  xml.onopentag = (element) => {
    root ??= element;
  };
  // An entity of a document type that lies elsewhere, for one: browsers and librsvg draw such files.
  xml.onerror = () => {
    errors += 1;
    xml.resume();
  };
  for (let at = 0; at < start.length && root === undefined && errors < MOST_ERRORS; at += PIECE_CHARACTERS)
    xml.write(start.slice(at, at + PIECE_CHARACTERS));
  if (root === undefined) return 'cut';
  return /^(?:[^:]+:)?svg$/.test(root.name) ? sizeOf(root.attributes) : 'other';
}

/** What browsers take where a drawing says nothing: CSS's default object size. */
const DEFAULT_SIZE = { width: 300, height: 150 };

/** By the rules of CSS for replaced elements, but that a view box without a size counts as its size, as for librsvg. */
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

/** CSS pixels in a unit; of those that depend on a font, as browsers have it by default. */
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

/** Undefined where it depends on the place that shows it, or is no length. A style goes before the attribute. */
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
 * A drawing as librsvg takes it: UTF-8, uncompressed.
 *
 * @throws RangeError where it is larger than `mostBytes`; TypeError where its letters are not of the encoding that it names
 */
export async function asPlainSvg(content: Buffer, mostBytes: number): Promise<Buffer> {
  const plain = isGzip(content) ? await promisify(gunzip)(content, { maxOutputLength: mostBytes }) : content;
  const declared = DECLARATION.exec(plain.toString('latin1', 0, 1024))?.[1];
  const encoding = utf16Of(plain) ?? declared ?? 'utf-8';
  if (/^utf-?8$/i.test(encoding)) return plain;
  const text = new TextDecoder(encoding).decode(plain);
  return Buffer.from(text.replace(DECLARATION, ''));
}
