/** The header of a BMP: those of Windows (40 to 124 bytes) and of OS/2 (12, and 16 to 64 bytes). */
export interface BmpHeader {
  width: number;
  height: number;
  /** Rows are stored from the bottom up otherwise. */
  isTopDown: boolean;
  bits: number;
  compression: 'none' | 'rle8' | 'rle4' | 'masks' | { unsupported: string };
  /** The offset of the pixels (bfOffBits). A gap may precede them. */
  pixelsAt: number;
  palette: { at: number; entryBytes: 3 | 4; entries: number };
  /** The offset of the masks of red, green and blue, if the compression is `masks`. */
  masksAt: number;
}

const FILE_HEADER_BYTES = 14;
const CORE_BYTES = 12;
const OS2_BYTES = 64;
const INFO_BYTES = 40;
const MASK_BYTES = 12;
const KNOWN_BYTES = new Set([CORE_BYTES, 16, INFO_BYTES, 52, 56, OS2_BYTES, 108, 124]);
/** The bytes that a header needs to be recognised. */
const RECOGNISED_BYTES = 30;

/** Two letters are too weak a signature, so the information header and the plane count must match too. */
export function isBmp(bytes: Buffer): boolean {
  if (bytes.length < FILE_HEADER_BYTES + CORE_BYTES || bytes.toString('latin1', 0, 2) !== 'BM') return false;
  const headerBytes = bytes.readUInt32LE(FILE_HEADER_BYTES);
  if (headerBytes === CORE_BYTES) return bytes.readUInt16LE(22) === 1 && [1, 4, 8, 24].includes(bytes.readUInt16LE(24));
  return bytes.length >= RECOGNISED_BYTES && KNOWN_BYTES.has(headerBytes) && bytes.readUInt16LE(26) === 1;
}

/** Parses the header of a BMP. Undefined if it is cut short or its size is impossible. */
export function parseBmpHeader(bytes: Buffer): BmpHeader | undefined {
  const headerBytes = bytes.readUInt32LE(FILE_HEADER_BYTES);
  const isCore = headerBytes === CORE_BYTES;
  // The fields after the first 16 bytes of a header of OS/2 may be left out, and are 0 then.
  const present = Math.min(headerBytes, INFO_BYTES);
  if (bytes.length < FILE_HEADER_BYTES + present) return undefined;
  const field = (at: number) => (at < FILE_HEADER_BYTES + headerBytes ? bytes.readUInt32LE(at) : 0);

  const width = isCore ? bytes.readUInt16LE(18) : bytes.readInt32LE(18);
  const signedHeight = isCore ? bytes.readUInt16LE(20) : bytes.readInt32LE(22);
  const height = Math.abs(signedHeight);
  if (width < 1 || height < 1 || height >= 2 ** 31) return undefined;
  const bits = bytes.readUInt16LE(isCore ? 24 : 28);
  const compression = isCore ? 'none' : compressionOf(field(30), headerBytes);

  const masks = compression === 'masks' && headerBytes === INFO_BYTES ? MASK_BYTES : 0;
  const at = FILE_HEADER_BYTES + headerBytes + masks;
  const most = bits <= 8 ? 2 ** bits : 0;
  const named = isCore ? 0 : field(46);
  const announced = bytes.readUInt32LE(10);
  const entryBytes = isCore ? 3 : 4;
  const wanted = named === 0 ? most : Math.min(named, most);
  // Some writers leave bfOffBits out.
  const pixelsAt = announced < at ? at + wanted * entryBytes : announced;
  const entries = Math.min(wanted, Math.floor((pixelsAt - at) / entryBytes));
  const masksAt = FILE_HEADER_BYTES + INFO_BYTES;
  return {
    width,
    height,
    isTopDown: signedHeight < 0,
    bits,
    compression,
    pixelsAt,
    palette: { at, entryBytes, entries },
    masksAt,
  };
}

function compressionOf(number: number, headerBytes: number): BmpHeader['compression'] {
  const isOs2 = headerBytes === OS2_BYTES || headerBytes < INFO_BYTES;
  switch (number) {
    case 0:
      return 'none';
    case 1:
      return 'rle8';
    case 2:
      return 'rle4';
    case 3:
      return isOs2 ? { unsupported: 'Huffman compression' } : 'masks';
    case 4:
      return { unsupported: isOs2 ? 'run lengths of 24 bits' : 'a JPEG inside' };
    case 5:
      return { unsupported: 'a PNG inside' };
    case 6:
      return 'masks';
    default:
      return { unsupported: `compression ${number}` };
  }
}
