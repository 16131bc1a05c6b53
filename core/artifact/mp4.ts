/** The head of an MP4 file of one AV1 track: all of it but the samples. It stands before them, so a cut file has it. */
import { box, fullBox, join, type Part, u16, u32, u32s, u64s } from './boxes.ts';

/** Frames a second. Frame n is shown from second n / 10 on. */
export const FRAME_RATE = 10;

/** Samples that share an entry of the table of offsets. */
const SAMPLES_A_CHUNK = 64;
const UNITY_MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);
/** BT.709 primaries, the transfer function of sRGB, BT.601's matrix, full range: what libaom is told by sharp. */
const COLOURS = box('colr', 'nclx', u16(1, 13, 6), [0x80]);

export interface Mp4Track {
  width: number;
  height: number;
  /** The AV1CodecConfigurationRecord. */
  configuration: Uint8Array;
  /** The bytes of each sample. */
  sizes: readonly number[];
}

/** All bytes before the first sample. There are no times in it, so equal tracks get equal heads. */
export function mp4Head(track: Mp4Track): Buffer {
  const type = box('ftyp', 'isom', u32(0), 'isomiso2av01mp41');
  const bytes = track.sizes.reduce((sum, size) => sum + size, 0);
  // A size of 1 says that the real one, of 64 bits, follows.
  const data = join(u32(1), 'mdat', u64s([bytes + 16]));
  const before = type.length + movieOf(track, 0).length + data.length;
  return join(type, movieOf(track, before), data);
}

function movieOf(track: Mp4Track, firstOffset: number): Buffer {
  const duration = track.sizes.length;
  const header = fullBox(
    'mvhd',
    0,
    0,
    u32(0, 0, FRAME_RATE, duration, 0x10000),
    u16(0x100, 0),
    u32(0, 0),
    UNITY_MATRIX,
    u32(0, 0, 0, 0, 0, 0, 2),
  );
  const trackHeader = fullBox(
    'tkhd',
    0,
    3, // enabled, and in the movie
    u32(0, 0, 1, 0, duration, 0, 0),
    u16(0, 0, 0, 0),
    UNITY_MATRIX,
    u32(track.width * 0x10000, track.height * 0x10000),
  );
  const information = box(
    'minf',
    fullBox('vmhd', 0, 1, u16(0, 0, 0, 0)),
    box('dinf', fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, 1))),
    sampleTables(track, firstOffset),
  );
  const media = box(
    'mdia',
    fullBox('mdhd', 0, 0, u32(0, 0, FRAME_RATE, duration), u16(0x55c4, 0)), // no language
    fullBox('hdlr', 0, 0, u32(0), 'vide', u32(0, 0, 0), 'Plimsoll\0'),
    information,
  );
  return box('moov', header, box('trak', trackHeader, media));
}

/** Without a table of key frames, every sample is one. */
function sampleTables({ width, height, configuration, sizes }: Mp4Track, firstOffset: number): Buffer {
  const offsets: number[] = [];
  let offset = firstOffset;
  for (const [index, size] of sizes.entries()) {
    if (index % SAMPLES_A_CHUNK === 0) offsets.push(offset);
    offset += size;
  }
  const rest = sizes.length % SAMPLES_A_CHUNK;
  const runs: Part[] = [];
  if (sizes.length >= SAMPLES_A_CHUNK) runs.push(u32(1, SAMPLES_A_CHUNK, 1));
  if (rest > 0) runs.push(u32(offsets.length, rest, 1));
  const entry = box(
    'av01',
    u32(0),
    u16(0, 1),
    u32(0, 0, 0, 0),
    u16(width, height),
    u32(0x480000, 0x480000, 0), // 72 dots an inch
    u16(1),
    new Uint8Array(32), // the compressor's name
    u16(0x18, 0xffff),
    box('av1C', configuration),
    COLOURS,
  );
  return box(
    'stbl',
    fullBox('stsd', 0, 0, u32(1), entry),
    fullBox('stts', 0, 0, u32(1, sizes.length, 1)),
    fullBox('stsc', 0, 0, u32(runs.length), ...runs),
    fullBox('stsz', 0, 0, u32(0, sizes.length), u32s(sizes)),
    fullBox('co64', 0, 0, u32(offsets.length), u64s(offsets)),
  );
}
