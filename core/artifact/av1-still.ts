/**
 * A frame as AV1. libaom, which comes with sharp, encodes a still picture into an AVIF file. The same bitstream is a
 * key frame of a video: AVIF and MP4 differ only in their boxes.
 */
import sharp from 'sharp';
import { box, findBox, fullBox, join, u16, u32 } from './boxes.ts';
import type { Pixels } from './qr-code.ts';

/** From quality 50 on, AV1's tools for screen content kept every pixel of every code. The size is the same. */
const SETTINGS = { quality: 80, effort: 1, chromaSubsampling: '4:2:0' } as const;

/** A stranger's video may have any size. */
const MOST_PIXELS = 4096 * 4096;

const SEQUENCE_HEADER = 1;
const TEMPORAL_DELIMITER = 2;

/** Names the encoder. Another one may write another sequence header, which must be the same in all of a video. */
export const ENCODER = `libaom ${sharp.versions.aom ?? 'of another build'}, ${JSON.stringify(SETTINGS)}`;

/** Encodes a frame as a sample of an MP4 track: its OBUs without a temporal delimiter. */
export async function encodeStill({ width, height, grey }: Pixels): Promise<Buffer> {
  const avif = await sharp(grey, { raw: { width, height, channels: 1 } })
    .avif(SETTINGS)
    .toBuffer();
  const stream = findBox(avif, 'mdat');
  if (stream === undefined) throw new Error('sharp wrote an AVIF file without a picture.');
  return join(...unitsOf(stream).flatMap(({ type, bytes }) => (type === TEMPORAL_DELIMITER ? [] : [bytes])));
}

/** @throws Error if the sample can't be decoded */
export async function decodeStill(sample: Uint8Array, width: number, height: number): Promise<Pixels> {
  const { data, info } = await sharp(avifOf(sample, width, height), { limitInputPixels: MOST_PIXELS })
    .extractChannel(0)
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, grey: data };
}

/** The AV1CodecConfigurationRecord of a sample: profile, level, 8 bits, 4:2:0, and the sequence header. */
export function av1ConfigurationOf(sample: Buffer): Buffer {
  const header = unitsOf(sample).find(({ type }) => type === SEQUENCE_HEADER);
  if (header === undefined) throw new Error('The sample has no sequence header.');
  // A header of a still picture begins with the profile (3 bits), two flags and the level (5 bits).
  const start = header.content.readUInt16BE(0);
  return join([0x81, ((start >> 13) << 5) | ((start >> 6) & 31), 0x0c, 0x00], header.bytes);
}

interface Unit {
  type: number;
  /** With its own header. */
  bytes: Buffer;
  content: Buffer;
}

/** The open bitstream units (OBUs) of a sample (AV1 specification, 5.3). */
function unitsOf(stream: Buffer): Unit[] {
  const units: Unit[] = [];
  for (let at = 0; at < stream.length; ) {
    const header = stream.readUInt8(at);
    let cursor = at + ((header & 4) === 0 ? 1 : 2);
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = stream[cursor++];
      if (byte === undefined || shift > 28) throw new Error('An OBU ends before its size.');
      size += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    const end = cursor + size;
    units.push({ type: (header >> 3) & 15, bytes: stream.subarray(at, end), content: stream.subarray(cursor, end) });
    at = end;
  }
  return units;
}

/** An AVIF file of one picture (AV1 Image File Format, ISO/IEC 23008-12). */
function avifOf(sample: Uint8Array, width: number, height: number): Buffer {
  const item = fullBox('infe', 2, 0, u16(1, 0), 'av01\0');
  const properties = box(
    'ipco',
    box('av1C', [0x81, 0, 0x0c, 0]),
    fullBox('ispe', 0, 0, u32(width, height)),
    fullBox('pixi', 0, 0, [3, 8, 8, 8]),
  );
  // The item has properties 1 to 3. The first is essential.
  const associations = fullBox('ipma', 0, 0, u32(1), u16(1), [3, 0x81, 2, 3]);
  const type = box('ftyp', 'avif', u32(0), 'avifmif1miaf');
  const metaAt = (offset: number) =>
    fullBox(
      'meta',
      0,
      0,
      fullBox('hdlr', 0, 0, u32(0), 'pict', u32(0, 0, 0), '\0'),
      fullBox('pitm', 0, 0, u16(1)),
      // One item, one extent, offsets and lengths of 4 bytes.
      fullBox('iloc', 0, 0, [0x44, 0], u16(1, 1, 0, 1), u32(offset, sample.length)),
      fullBox('iinf', 0, 0, u16(1), item),
      box('iprp', properties, associations),
    );
  const before = type.length + metaAt(0).length + 8;
  return join(type, metaAt(before), box('mdat', sample));
}
