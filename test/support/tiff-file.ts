/** Writes uncompressed TIFFs of any number of bands, depth and colour space, one strip each. */

export type SampleType = 'uint8' | 'uint16' | 'uint32' | 'int8' | 'int16' | 'int32' | 'float32' | 'float64';

export interface TiffFile {
  width: number;
  height: number;
  type: SampleType;
  /** 0 and 1 grey, 2 RGB, 5 CMYK, 8 CIELab. */
  photometric: number;
  /** Samples per pixel. */
  samples: number;
  /** Values of tag 338; left out if undefined. */
  extraSamples?: readonly number[];
  /** Other tags, with SHORT values. */
  tags?: Readonly<Record<number, readonly number[]>>;
  /** A profile of the ICC. */
  profile?: Buffer;
  sample: (x: number, y: number, band: number) => number;
}

const BYTES: Record<SampleType, number> = {
  uint8: 1,
  uint16: 2,
  uint32: 4,
  int8: 1,
  int16: 2,
  int32: 4,
  float32: 4,
  float64: 8,
};
const WRITE: Record<SampleType, (to: Buffer, value: number, at: number) => void> = {
  uint8: (to, value, at) => to.writeUInt8(value, at),
  uint16: (to, value, at) => to.writeUInt16LE(value, at),
  uint32: (to, value, at) => to.writeUInt32LE(value, at),
  int8: (to, value, at) => to.writeInt8(value, at),
  int16: (to, value, at) => to.writeInt16LE(value, at),
  int32: (to, value, at) => to.writeInt32LE(value, at),
  float32: (to, value, at) => to.writeFloatLE(value, at),
  float64: (to, value, at) => to.writeDoubleLE(value, at),
};
const PROFILE = 34675;
const formatOf = (type: SampleType) => (type.startsWith('u') ? 1 : type.startsWith('i') ? 2 : 3);

export function tiffFile({
  width,
  height,
  type,
  photometric,
  samples,
  extraSamples,
  tags,
  profile,
  sample,
}: TiffFile): Buffer {
  const bytes = BYTES[type];
  const pixels = Buffer.alloc(width * height * samples * bytes);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let band = 0; band < samples; band++, at += bytes) WRITE[type](pixels, sample(x, y, band), at);

  const each = (value: number) => Array.from({ length: samples }, () => value);
  const shorts: Record<number, readonly number[]> = {
    256: [width],
    257: [height],
    258: each(bytes * 8),
    259: [1],
    262: [photometric],
    277: [samples],
    278: [height],
    284: [1],
    339: each(formatOf(type)),
    ...(extraSamples && { 338: extraSamples }),
    ...tags,
  };
  const longs: Record<number, number> = { 273: 8, 279: pixels.length };
  const entries = [...Object.keys(shorts), ...Object.keys(longs), ...(profile ? [PROFILE] : [])]
    .map(Number)
    .sort((a, b) => a - b);
  const padded = pixels.length + (pixels.length % 2);
  const start = 8 + padded;
  const outside: Buffer[] = [];
  let outsideAt = start + 2 + entries.length * 12 + 4;
  const directory = Buffer.alloc(2 + entries.length * 12 + 4);
  directory.writeUInt16LE(entries.length, 0);
  for (const [n, tag] of entries.entries()) {
    const at = 2 + n * 12;
    directory.writeUInt16LE(tag, at);
    if (tag === PROFILE && profile) {
      directory.writeUInt16LE(7, at + 2);
      directory.writeUInt32LE(profile.length, at + 4);
      directory.writeUInt32LE(outsideAt, at + 8);
      outside.push(profile);
      outsideAt += profile.length;
      continue;
    }
    const values = shorts[tag];
    directory.writeUInt16LE(values ? 3 : 4, at + 2);
    directory.writeUInt32LE(values?.length ?? 1, at + 4);
    if (values === undefined) directory.writeUInt32LE(longs[tag] as number, at + 8);
    else if (values.length <= 2)
      for (const [i, value] of values.entries()) directory.writeUInt16LE(value, at + 8 + i * 2);
    else {
      const field = Buffer.alloc(values.length * 2);
      for (const [i, value] of values.entries()) field.writeUInt16LE(value, i * 2);
      directory.writeUInt32LE(outsideAt, at + 8);
      outside.push(field);
      outsideAt += field.length;
    }
  }
  const head = Buffer.alloc(8);
  head.write('II*\0', 'latin1');
  head.writeUInt32LE(start, 4);
  return Buffer.concat([head, pixels, Buffer.alloc(padded - pixels.length), directory, ...outside]);
}
