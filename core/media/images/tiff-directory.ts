/**
 * Reads the directories of a TIFF: how its samples are laid out. libvips guesses some layouts wrongly and reports
 * others as damage, so the layout decides what it is asked to do.
 */

/** Reads bytes of a file. The result is shorter if the file ends. */
export type ReadAt = (position: number, length: number) => Promise<Buffer>;

/** Numeric values by tag, for the tags below. Strings and profiles are left out. */
export type TiffDirectory = ReadonlyMap<number, readonly number[]>;

export const TAG = {
  newSubfileType: 254,
  subfileType: 255,
  width: 256,
  height: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  orientation: 274,
  samplesPerPixel: 277,
  subDirectories: 330,
  inkSet: 332,
  extraSamples: 338,
  sampleFormat: 339,
  profile: 34675,
  dngVersion: 50706,
} as const;

const WANTED = new Set<number>(Object.values(TAG));
/** Bytes per value by field type: BYTE, SHORT, LONG, IFD, LONG8, IFD8. */
const VALUE_BYTES: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 7: 1, 13: 4, 16: 8, 18: 8 };
/** More values than this are strips of a page or bytes of a profile. Only their presence counts. */
const MAX_VALUES = 64;
/** A directory in a circle would never end. */
const MAX_DIRECTORIES = 64;

interface Dialect {
  read: ReadAt;
  isLittleEndian: boolean;
  isBig: boolean;
}

/** Reads the chain of directories: one per page. Empty if there is none, undefined if the file is no TIFF. */
export async function readTiffDirectories(read: ReadAt): Promise<TiffDirectory[] | undefined> {
  const head = await read(0, 16);
  const order = head.toString('latin1', 0, 2);
  if (head.length < 8 || (order !== 'II' && order !== 'MM')) return undefined;
  const isLittleEndian = order === 'II';
  const isBig = (isLittleEndian ? head.readUInt16LE(2) : head.readUInt16BE(2)) === 43;
  const dialect = { read, isLittleEndian, isBig };
  if (isBig && head.length < 16) return undefined;
  return readChain(dialect, isBig ? numberAt(dialect, head, 8, 8) : numberAt(dialect, head, 4, 4));
}

/** Reads the directories that `parent` refers to as its own: RAW files keep the sensor's data and previews there. */
export async function readSubDirectories(read: ReadAt, parent: TiffDirectory): Promise<TiffDirectory[]> {
  const head = await read(0, 4);
  const dialect = { read, isLittleEndian: head[0] === 0x49, isBig: head[2] === 43 || head[3] === 43 };
  const directories: TiffDirectory[] = [];
  for (const at of (parent.get(TAG.subDirectories) ?? []).slice(0, MAX_DIRECTORIES))
    directories.push(...(await readChain(dialect, at)));
  return directories;
}

async function readChain(dialect: Dialect, start: number): Promise<TiffDirectory[]> {
  const directories: TiffDirectory[] = [];
  const seen = new Set<number>();
  let at = start;
  while (at !== 0 && !seen.has(at) && directories.length < MAX_DIRECTORIES) {
    seen.add(at);
    const found = await readDirectory(dialect, at);
    if (found === undefined) break;
    directories.push(found.directory);
    at = found.next;
  }
  return directories;
}

/** Undefined if the file ends within the directory. */
async function readDirectory(
  dialect: Dialect,
  at: number,
): Promise<{ directory: TiffDirectory; next: number } | undefined> {
  const [countBytes, entryBytes, pointerBytes] = dialect.isBig ? [8, 20, 8] : [2, 12, 4];
  const countField = await dialect.read(at, countBytes);
  if (countField.length < countBytes) return undefined;
  const count = numberAt(dialect, countField, 0, countBytes);
  if (count > 0xffff) return undefined;
  const entries = await dialect.read(at + countBytes, count * entryBytes + pointerBytes);
  if (entries.length < count * entryBytes) return undefined;

  const directory = new Map<number, readonly number[]>();
  for (let n = 0; n < count; n++) {
    const entry = entries.subarray(n * entryBytes, (n + 1) * entryBytes);
    const tag = numberAt(dialect, entry, 0, 2);
    if (WANTED.has(tag)) directory.set(tag, await valuesOf(dialect, entry));
  }
  const end = count * entryBytes;
  const hasNext = entries.length >= end + pointerBytes;
  return { directory, next: hasNext ? numberAt(dialect, entries, end, pointerBytes) : 0 };
}

async function valuesOf(dialect: Dialect, entry: Buffer): Promise<number[]> {
  const countBytes = dialect.isBig ? 8 : 4;
  const bytes = VALUE_BYTES[numberAt(dialect, entry, 2, 2)] ?? 0;
  const count = Math.min(numberAt(dialect, entry, 4, countBytes), MAX_VALUES);
  const inline = entry.subarray(4 + countBytes);
  const isInline = count * bytes <= inline.length;
  const field = isInline ? inline : await dialect.read(numberAt(dialect, inline, 0, countBytes), count * bytes);
  const values: number[] = [];
  for (let n = 0; bytes > 0 && n < count && (n + 1) * bytes <= field.length; n++)
    values.push(numberAt(dialect, field, n * bytes, bytes));
  return values;
}

function numberAt({ isLittleEndian }: Dialect, bytes: Buffer, at: number, size: number): number {
  if (size === 8) return Number(isLittleEndian ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
  return isLittleEndian ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
}
