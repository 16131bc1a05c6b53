/** A failure says what is so: damage only where a file is damaged, and otherwise what is not supported. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodePixels } from '../../../core/media/images/decode.ts';
import { isImageName } from '../../../core/media/images/formats.ts';
import { readHeaders } from '../../../core/media/images/header.ts';
import type { HeaderOutcome } from '../../../core/media/images/header-messages.ts';
import type { PixelGeometry } from '../../../core/media/images/resize.ts';
import { tiffFile } from '../../support/tiff-file.ts';

const SIZE = { width: 8, height: 8 };
const GEOMETRY: PixelGeometry = { resize: { fit: 'fill', ...SIZE, kernel: 'linear' }, crop: SIZE };

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'plimsoll-reasons-'));
});
afterAll(() => rm(dir, { recursive: true }));

const fixture = (name: string) => readFileSync(join(import.meta.dirname, 'cases', name));
const noise = (width: number, height: number) => {
  const pixels = Buffer.alloc(width * height * 3);
  for (let i = 0, state = 7; i < pixels.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    pixels[i] = state >>> 16;
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } });
};

async function index(bytes: Buffer, name = 'picture'): Promise<HeaderOutcome> {
  const path = join(dir, name);
  await writeFile(path, bytes);
  return (await readHeaders([{ path, sizeBytes: bytes.length }]))[0] as HeaderOutcome;
}
const decode = (bytes: Buffer) => decodePixels({ bytes }, GEOMETRY);

const box = (brand: string, ...others: string[]) => {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(16 + others.length * 4);
  return Buffer.concat([size, Buffer.from(`ftyp${brand}\0\0\0\0${others.join('')}`, 'latin1'), Buffer.alloc(64)]);
};

describe('a file that is not damaged is not called so:', () => {
  it.each([
    ['JPEG XL', 'a bare codestream', Buffer.from([0xff, 0x0a, 0, 0, 0, 0])],
    ['JPEG XL', 'a container', Buffer.from('\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl ', 'latin1')],
    ['RAW', 'CR2', Buffer.from('II*\0\x10\0\0\0CR\x02\0\0\0\0\0', 'latin1')],
    ['RAW', 'CR3', box('crx ', 'crx ', 'isom')],
    ['RAW', 'RAF', Buffer.from('FUJIFILMCCD-RAW 0201', 'latin1')],
    ['RAW', 'ORF', Buffer.from('IIRO\x08\0\0\0', 'latin1')],
    ['RAW', 'RW2', Buffer.from('IIU\0\x18\0\0\0', 'latin1')],
  ])('%s, as %s', async (words, _name, bytes) => {
    const { error } = await index(bytes);
    expect(error).toMatchObject({ code: 'unsupported_format', message: expect.stringContaining(words) });
    await expect(decode(bytes)).rejects.toMatchObject({ code: 'unsupported_format', message: error?.message });
  });

  it.each([
    ['MP4', box('isom', 'iso2', 'mp41')],
    ['QuickTime', box('qt  ', 'qt  ')],
  ])('a film is no picture (%s)', async (_name, bytes) => {
    expect(await index(bytes)).toMatchObject({ error: { code: 'not_an_image' } });
    await expect(decode(bytes)).rejects.toMatchObject({ code: 'unsupported_format' });
  });

  it('a drawing that is too long for its width', async () => {
    const thin = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9999999" height="3"/>');
    expect(await index(thin)).toMatchObject({ metadata: { width: 9_999_999, height: 3 } });
    await expect(decode(thin)).rejects.toMatchObject({
      code: 'unsupported_format',
      message: 'the drawing is too long for its width to be drawn',
    });
  });

  const tiff = (options: Partial<Parameters<typeof tiffFile>[0]>) =>
    tiffFile({ width: 6, height: 6, type: 'uint8', photometric: 2, samples: 3, sample: () => 0, ...options });
  it.each([
    ['LZMA', tiff({ tags: { 259: [34925] } })],
    ['compression 4711', tiff({ tags: { 259: [4711] } })],
    ['JPEG XL', tiff({ tags: { 259: [50002] } })],
    ['LogLuv colours', tiff({ tags: { 262: [32845] } })],
    ['inks that are not CMYK', tiff({ photometric: 5, samples: 4, tags: { 332: [2] } })],
    ['samples of 8, 8, 16 bits', tiff({ tags: { 258: [8, 8, 16] } })],
    ['12-bit integer samples', tiff({ tags: { 258: [12, 12, 12] } })],
    ['complex numbers', tiff({ tags: { 339: [6, 6, 6] } })],
    ['alpha and 32 bits a sample', tiff({ type: 'uint32', samples: 4, extraSamples: [2] })],
    ['alpha and 16 bits a sample', tiff({ type: 'uint16', photometric: 5, samples: 5, extraSamples: [2] })],
    ['1 bands, too few for its colours', tiff({ samples: 1 })],
  ])('TIFF with %s', async (words, bytes) => {
    expect((await index(bytes)).metadata).toMatchObject({ format: 'tiff', width: 6, height: 6 });
    await expect(decode(bytes)).rejects.toMatchObject({
      code: 'unsupported_format',
      message: `TIFF with ${words} can't be decoded`,
    });
  });

  it.each([
    ['DNG', { 50706: [1] }],
    ["a sensor's mosaic", { 262: [32803] }],
    ["a sensor's linear data", { 262: [34892] }],
    ["Sony's compression", { 259: [32767] }],
    ["Nikon's compression", { 259: [34713] }],
  ])('RAW in a TIFF: %s', async (_name, tags) => {
    const raw = tiff({ tags });
    // Cameras put previews first, and the sensor's data into a directory of the first page.
    const preview = tiff({ tags: { 254: [1], 330: [0] } });
    const at = preview.readUInt32LE(4);
    const entries = preview.readUInt16LE(at);
    for (let n = 0; n < entries; n++) {
      const entry = at + 2 + n * 12;
      if (preview.readUInt16LE(entry) !== 330) continue;
      preview.writeUInt16LE(4, entry + 2);
      preview.writeUInt32LE(preview.length, entry + 8);
    }
    const directory = raw.subarray(raw.readUInt32LE(4));
    for (const bytes of [raw, Buffer.concat([preview, directory])]) {
      const message = "camera RAW can't be decoded: export it as JPEG or TIFF";
      expect(await index(bytes)).toEqual({ error: { code: 'unsupported_format', message } });
      await expect(decode(bytes)).rejects.toMatchObject({ code: 'unsupported_format', message });
    }
  });

  it.each([
    [2, 8],
    [10, 3],
  ])('a JPEG with %i bits or bands', async (depth, bands) => {
    const jpeg = await noise(16, 16).jpeg().toBuffer();
    const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
    if (depth === 2) jpeg[frame + 9] = 2;
    else jpeg[frame + 4] = 10;
    await expect(decode(jpeg)).rejects.toMatchObject({
      code: 'unsupported_format',
      message: `JPEG with ${bands === 8 ? '2 bands' : '10 bits a sample'} can't be decoded`,
    });
  });

  it('a hierarchical JPEG', async () => {
    const jpeg = await noise(16, 16).jpeg().toBuffer();
    jpeg[jpeg.indexOf(Buffer.from([0xff, 0xc0])) + 1] = 0xc5;
    await expect(decode(jpeg)).rejects.toMatchObject({ code: 'unsupported_format' });
  });

  it('a TIFF of floats with a profile that can not be applied to them', async () => {
    const profileOf = async (name: string) =>
      (await sharp(await noise(8, 8).withIccProfile(name).png().toBuffer()).metadata()).icc as Buffer;
    const floats = { type: 'float32', sample: () => 0.5 } as const;
    const p3 = tiff({ ...floats, profile: await profileOf('p3') });
    await expect(decode(p3)).rejects.toMatchObject({
      code: 'unsupported_format',
      message: "TIFF with float samples and a profile other than sRGB can't be decoded",
    });
    const srgb = tiff({ ...floats, profile: await profileOf('srgb') });
    expect(new Set(await decode(srgb))).toEqual(new Set([128]));
  });

  it('a TIFF whose samples would fill the memory', async () => {
    const bytes = tiff({ samples: 5, extraSamples: [0, 0], tags: { 256: [15_000], 257: [15_000] } });
    await expect(decode(bytes)).rejects.toMatchObject({
      code: 'unsupported_format',
      message: expect.stringContaining('too large'),
    });
  });

  it('a BMP of other bits and compressions', async () => {
    const bmp = fixture('bmp-os2-v2-8bit.bmp');
    for (const [compression, words] of [
      [3, 'Huffman compression'],
      [4, 'run lengths of 24 bits'],
      [11, 'compression 11'],
      [2, '8 bits a pixel (rle4)'],
    ] as const) {
      bmp.writeUInt32LE(compression, 30);
      expect((await index(bmp)).metadata).toMatchObject({ format: 'bmp', width: 61, height: 41 });
      const message = `BMP with ${words} can't be decoded`;
      await expect(decode(bmp)).rejects.toMatchObject({ code: 'unsupported_format', message });
    }
  });
});

describe('a damaged file is called so:', () => {
  it.each(['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const)('%s, cut in the middle', async (format) => {
    const bytes = await noise(64, 64).toFormat(format).toBuffer();
    await expect(decode(bytes.subarray(0, bytes.length >> 1))).rejects.toMatchObject({
      code: 'decode_failed',
      message: expect.stringMatching(/^the file is damaged(?:: \S.*)?$/),
    });
  });

  it.each(['gif', 'webp', 'avif'] as const)('%s, cut in its header', async (format) => {
    const bytes = await noise(64, 64).toFormat(format).toBuffer();
    await expect(decode(bytes.subarray(0, 12))).rejects.toMatchObject({ code: 'decode_failed' });
  });

  it('PNG, without anything behind its signature', async () => {
    const cut = Buffer.from('\x89PNG\0\0\0\0\0\0\0\0', 'latin1');
    expect(await index(cut)).toMatchObject({ error: { code: 'truncated_header' } });
    await expect(decode(cut)).rejects.toMatchObject({ code: 'decode_failed', message: 'the file is damaged' });
  });

  it('TIFF, cut in its directory', async () => {
    const bytes = await noise(8, 8).tiff().toBuffer();
    const directory = bytes.readUInt32LE(4);
    const cut = bytes.subarray(0, directory + 20);
    const outcome = await index(cut);
    expect(outcome).toMatchObject({ error: { code: 'truncated_header', message: expect.stringContaining('TIFF') } });
    await expect(decode(cut)).rejects.toMatchObject({ code: 'decode_failed' });
  });

  it.each(['bmp-rle8-runs.bmp', 'bmp-rle4-absolute.bmp', 'bmp-24bit-odd.bmp', 'bmp-8bit-offset-gap.bmp'])(
    '%s, cut in the middle',
    async (name) => {
      const bytes = fixture(name);
      await expect(decode(bytes.subarray(0, bytes.length * 0.7))).rejects.toMatchObject({
        code: 'decode_failed',
        message: 'the file is damaged: it is cut short',
      });
    },
  );

  it('BMP of run lengths that announces gigabytes', async () => {
    const bytes = fixture('bmp-rle8-runs.bmp');
    bytes.writeInt32LE(16_000, 18);
    bytes.writeInt32LE(16_000, 22);
    await expect(decode(bytes)).rejects.toMatchObject({ code: 'decode_failed' });
  });
});

describe('EXIF of a JPEG', () => {
  it('counts wherever it stands before the scan', async () => {
    const jpeg = await noise(60, 40).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const exif = jpeg.indexOf(Buffer.from([0xff, 0xe1]));
    const end = exif + 2 + jpeg.readUInt16BE(exif + 2);
    const scan = jpeg.indexOf(Buffer.from([0xff, 0xda]));
    const moved = Buffer.concat([
      jpeg.subarray(0, exif),
      jpeg.subarray(end, scan),
      jpeg.subarray(exif, end),
      jpeg.subarray(scan),
    ]);
    expect(await index(moved)).toMatchObject({ metadata: { width: 40, height: 60, orientation: 6 } });
    // With 40 KB between the frame and the scan, the first read does not reach it.
    const segment = Buffer.alloc(40_000);
    segment.writeUInt32BE(0xffe59c3e);
    const far = moved.indexOf(Buffer.from([0xff, 0xc4]));
    const spread = Buffer.concat([moved.subarray(0, far), segment, moved.subarray(far)]);
    expect(await index(spread)).toMatchObject({ metadata: { width: 40, height: 60, orientation: 6 } });
  });
});

it.each([
  'a.HEIC',
  'a.heif',
  'a.hif',
  'a.jxl',
  'a.dng',
  'a.CR2',
  'a.cr3',
  'a.nef',
  'a.ARW',
  'a.raf',
  'a.dib',
  'a.avifs',
])('a file named %s is looked at', (name) => {
  expect(isImageName(name)).toBe(true);
});
