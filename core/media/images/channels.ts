/**
 * Counts an image's channels as sharp would decode it, because `image-size` does not report them. Each function reads
 * the format's own structure. It returns `undefined` if the start of the file does not contain the answer.
 */

/** A JPEG's frame header. `exif` holds its EXIF segments, which give the orientation. */
export interface JpegFrame {
  width: number;
  height: number;
  num_channels: number;
  progressive: boolean;
  exif: Buffer[];
}

const SOF_BASELINE = 0xc0;
const SOF_PROGRESSIVE = 0xc2;
const DHT = 0xc4;
const START_OF_SCAN = 0xda;
const APP1 = 0xe1;

/**
 * Walks the segments to the frame header. Handles baseline, extended and progressive frames; rarer ones need a decoder.
 */
export function findJpegFrame(bytes: Buffer): JpegFrame | undefined {
  const exif: Buffer[] = [];
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1] as number;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const length = bytes.readUInt16BE(at + 2);
    const isDecoderOnly = marker < SOF_BASELINE || marker === START_OF_SCAN || (marker >= 0xd0 && marker <= 0xd9);
    if (length < 2 || isDecoderOnly) return undefined;
    if (marker <= 0xcf && marker !== DHT) {
      if (marker > SOF_PROGRESSIVE || at + 10 > bytes.length) return undefined;
      const num_channels = bytes[at + 9] as number;
      if (num_channels !== 1 && num_channels !== 3 && num_channels !== 4) return undefined;
      const [height, width] = [bytes.readUInt16BE(at + 5), bytes.readUInt16BE(at + 7)];
      return { width, height, num_channels, progressive: marker === SOF_PROGRESSIVE, exif };
    }
    const end = at + 2 + length;
    if (marker === APP1 && bytes.toString('latin1', at + 4, at + 8) === 'Exif') exif.push(bytes.subarray(at + 10, end));
    at = end;
  }
  return undefined;
}

const PNG_CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 };

/**
 * Counts channels by the colour type, plus one if a tRNS chunk makes a colour transparent. Undefined if the file has
 * EXIF.
 */
export function countPngChannels(bytes: Buffer): number | undefined {
  const ofColourType = PNG_CHANNELS[bytes[25] ?? -1];
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

/** A 32-bit bitmap has alpha. Palettes and other depths are RGB. */
export function countBmpChannels(bytes: Buffer): number | undefined {
  if (bytes.length < 30) return undefined;
  return bytes.readUInt16LE(28) === 32 ? 4 : 3;
}
