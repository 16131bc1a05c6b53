/**
 * Counts an image's channels as sharp would decode it, because `image-size` does not report them. Each function reads
 * the format's own structure. It returns `undefined` if the start of the file does not contain the answer.
 */

/** A JPEG's frame header. */
export interface JpegFrame {
  width: number;
  height: number;
  num_channels: number;
  /** Bits per sample. */
  depth: number;
  /** The frame's process, 0 to 15: the number of its SOF marker. */
  process: number;
  /** The EXIF segments before the scan, which give the orientation. Some writers put them after the frame header. */
  exif: Buffer[];
  /** Whether the start of the scan was reached, so that no other EXIF segment can follow. */
  isWhole: boolean;
}

const SOF_0 = 0xc0;
const SOF_15 = 0xcf;
const DHT = 0xc4;
const JPG = 0xc8;
const DAC = 0xcc;
const START_OF_SCAN = 0xda;
const APP1 = 0xe1;

const PROGRESSIVE = new Set([2, 6, 10, 14]);
const LOSSLESS = new Set([3, 7, 11, 15]);

/** Whether a decoder holds the whole picture: its scans refine it, or libvips reads it at once. */
export function isHeldWhole({ process }: JpegFrame): boolean {
  return PROGRESSIVE.has(process) || LOSSLESS.has(process);
}

/** Whether the frame is lossless. libjpeg can't draw those smaller while it decodes, although libvips asks for it. */
export function isLossless({ process }: JpegFrame): boolean {
  return LOSSLESS.has(process);
}

/** Walks the segments to the scan. Undefined if there is no frame header before it. */
export function findJpegFrame(bytes: Buffer): JpegFrame | undefined {
  const exif: Buffer[] = [];
  let frame: JpegFrame | undefined;
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) return frame;
    const marker = bytes[at + 1] as number;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const length = bytes.readUInt16BE(at + 2);
    const isDecoderOnly = marker < SOF_0 || (marker >= 0xd0 && marker <= 0xd9);
    if (length < 2 || isDecoderOnly) return frame;
    if (marker === START_OF_SCAN) return frame && { ...frame, isWhole: true };
    const end = at + 2 + length;
    if (marker <= SOF_15 && marker !== DHT && marker !== JPG && marker !== DAC) {
      if (frame !== undefined || at + 10 > bytes.length) return frame;
      const [height, width] = [bytes.readUInt16BE(at + 5), bytes.readUInt16BE(at + 7)];
      const [depth, num_channels] = [bytes[at + 4] as number, bytes[at + 9] as number];
      frame = { width, height, num_channels, depth, process: marker - SOF_0, exif, isWhole: false };
    }
    if (marker === APP1 && bytes.toString('latin1', at + 4, at + 8) === 'Exif') exif.push(bytes.subarray(at + 10, end));
    at = end;
  }
  return frame;
}

const PNG_CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 };

const COLOUR_TYPE = 25;
/** Apple's chunk of 16 bytes precedes the header. */
const CGBI_COLOUR_TYPE = COLOUR_TYPE + 16;

/** Whether a PNG is in Apple's own form, which only its systems read: its pixels are not those of a PNG. */
export function isCgbi(png: Buffer): boolean {
  return png.toString('latin1', 12, 16) === 'CgBI';
}

/**
 * Counts channels by the colour type, plus one if a tRNS chunk makes a colour transparent. Undefined if the file has
 * EXIF.
 */
export function countPngChannels(bytes: Buffer): number | undefined {
  const ofColourType = PNG_CHANNELS[bytes[isCgbi(bytes) ? CGBI_COLOUR_TYPE : COLOUR_TYPE] ?? -1];
  if (ofColourType === undefined) return undefined;
  let transparent = 0;
  for (let at = 8; at + 8 <= bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const chunk = bytes.toString('latin1', at + 4, at + 8);
    if (chunk === 'eXIf') return undefined;
    if (chunk === 'tRNS') transparent = 1;
    if (chunk === 'IDAT') return ofColourType + transparent;
  }
  return undefined;
}

/** Counts channels by the alpha bit of the image's header, which has one of three forms. */
export function countWebpChannels(bytes: Buffer): number | undefined {
  if (bytes.length < 30) return undefined;
  switch (bytes.toString('latin1', 12, 16)) {
    case 'VP8 ':
      return 3;
    case 'VP8L':
      return (bytes[24] as number) & 0x10 ? 4 : 3;
    case 'VP8X':
      // Decoders give every animation alpha, because a frame may cover only a part.
      return (bytes[20] as number) & 0x12 ? 4 : 3;
  }
  return undefined;
}

/** Whether a WebP announces EXIF, which is stored at its end. */
export function hasWebpExif(bytes: Buffer): boolean {
  return bytes.toString('latin1', 12, 16) === 'VP8X' && ((bytes[20] as number) & 0x08) !== 0;
}
