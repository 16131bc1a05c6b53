/**
 * Files that public bug reports describe, each one of a kind. A picture shows four quadrants: red, green, blue and
 * yellow; those of orientation 6 are turned by 90 degrees.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodePixels } from '../../../core/media/images/decode.ts';
import { drawThumbnail } from '../../../core/media/images/draw-thumbnail.ts';
import { readHeaders } from '../../../core/media/images/header.ts';
import type { HeaderOutcome } from '../../../core/media/images/header-messages.ts';
import type { PixelGeometry } from '../../../core/media/images/resize.ts';
import { identityOf } from '../../../core/sources/identity.ts';

const DIR = join(import.meta.dirname, 'cases');
const outcomes = new Map<string, HeaderOutcome>();

beforeAll(async () => {
  const names = readdirSync(DIR);
  const files = names.map((name) => ({ path: join(DIR, name), sizeBytes: statSync(join(DIR, name)).size }));
  for (const [n, outcome] of (await readHeaders(files)).entries()) outcomes.set(names[n] as string, outcome);
});

const SIZE = { width: 8, height: 8 };
const GEOMETRY: PixelGeometry = { resize: { fit: 'fill', ...SIZE, kernel: 'linear' }, crop: SIZE };

type Colour = readonly [number, number, number];
type Quadrants = readonly [topLeft: Colour, topRight: Colour, bottomLeft: Colour, bottomRight: Colour];

const grey = (value: number): Colour => [value, value, value];
const [RED, GREEN, BLUE, YELLOW]: Quadrants = [
  [220, 30, 30],
  [30, 180, 40],
  [30, 40, 210],
  [230, 220, 40],
];
const WHITE = grey(255);
const UPRIGHT: Quadrants = [RED, GREEN, BLUE, YELLOW];
const TURNED: Quadrants = [BLUE, RED, YELLOW, GREEN];
const GREY: Quadrants = [grey(87), grey(119), grey(56), grey(202)];
const ONE_COLOUR: Quadrants = [RED, RED, RED, RED];

/** Colours of the middles of the quadrants of an RGB or RGBA picture. */
function quadrantsOf(pixels: Uint8Array, width: number, height: number, channels: number): number[][] {
  const [left, right] = [width >> 2, width - 1 - (width >> 2)];
  const [top, bottom] = [height >> 2, height - 1 - (height >> 2)];
  return [
    [left, top],
    [right, top],
    [left, bottom],
    [right, bottom],
  ].map(([x, y]) => {
    const at = ((y as number) * width + (x as number)) * channels;
    return Array.from(pixels.subarray(at, at + 3));
  });
}

/** 4 bits of a colour lose 13 of 255, and CMYK of two printers differs by 40. */
function expectColours(actual: number[][], expected: Quadrants, tolerance: number): void {
  const off = actual.flatMap((colour, n) => colour.map((v, c) => Math.abs(v - (expected[n]?.[c] as number))));
  expect(Math.max(...off), JSON.stringify(actual)).toBeLessThanOrEqual(tolerance);
}

interface Shown {
  size?: readonly [width: number, height: number];
  channels?: number;
  orientation?: number;
  colours: Quadrants;
  tolerance?: number;
}

const SHOWN: Record<string, Shown> = {
  'tiff-float32-rgb-icc.tif': { colours: UPRIGHT, channels: 3 },
  'tiff-float32-rgb-0to1.tif': { colours: UPRIGHT, channels: 3 },
  'tiff-float16-rgb.tif': { colours: UPRIGHT, channels: 3 },
  'tiff-float32-grey-0to255.tif': { colours: GREY, channels: 1 },
  'tiff-u32.tif': { colours: GREY, channels: 1 },
  'tiff-2band-u8.tif': { colours: GREY, channels: 2 },
  'tiff-rgb-plus-1-unspecified-zero.tif': { colours: UPRIGHT, channels: 4 },
  'tiff-rgb-nir-unspecified.tif': { colours: UPRIGHT, channels: 4 },
  'tiff-rgb-plus-2-extra.tif': { colours: UPRIGHT, channels: 5 },
  'tiff-thumbnail-first.tif': { colours: UPRIGHT, channels: 3 },
  'tiff-tiled-orient6.tif': { colours: TURNED, size: [40, 60], orientation: 6 },
  'tiff-cmyk.tif': { colours: UPRIGHT, channels: 4, tolerance: 95 },
  'tiff-lzw-predictor.tif': { colours: UPRIGHT },
  'tiff-miniswhite.tif': { colours: GREY, channels: 1 },
  'tiff-palette.tif': { colours: UPRIGHT, channels: 3 },
  'tiff-planar-separate.tif': { colours: UPRIGHT },
  'tiff-webp.tif': { colours: UPRIGHT },
  'tiff-group4.tif': { colours: [grey(0), grey(0), grey(0), WHITE], channels: 1 },
  // 12 bits of a sensor in 16: TIFF has no word for fewer bits, so the picture is dark.
  'tiff-u16-sensor12.tif': { colours: [grey(5), grey(7), grey(3), grey(12)], channels: 1 },

  'jpeg-exif6-after-sof.jpg': { colours: TURNED, size: [40, 60], orientation: 6 },
  'jpeg-lossless-sof3.jpg': { colours: GREY, channels: 1 },
  'jpeg-arithmetic.jpg': { colours: UPRIGHT },
  'jpeg-arithmetic-progressive.jpg': { colours: UPRIGHT },
  'jpeg-cmyk-adobe.jpg': { colours: UPRIGHT, channels: 4, tolerance: 95 },
  'jpeg-cmyk-no-adobe-as-pillow-reads.jpg': { colours: UPRIGHT, channels: 4, tolerance: 95 },
  'jpeg-grey-with-rgb-icc.jpg': { colours: GREY, channels: 1 },
  'jpeg-ifd0-1-ifd1-6.jpg': { colours: UPRIGHT, orientation: 1 },
  'jpeg-ifd0-none-ifd1-6.jpg': { colours: UPRIGHT, orientation: 1 },
  'jpeg-keep-rgb-transform0.jpg': { colours: UPRIGHT },
  'jpeg-no-eoi-samsung-trailer.jpg': { colours: UPRIGHT },
  'jpeg-rgb-broken-icc.jpg': { colours: UPRIGHT },
  'jpeg-trailing-mp4-after-eoi.jpg': { colours: UPRIGHT },
  'jpeg-two-exif-1-then-6.jpg': { colours: UPRIGHT, orientation: 1 },
  'jpeg-two-exif-6-then-1.jpg': { colours: TURNED, size: [40, 60], orientation: 6 },
  'jpeg-xmp-first-exif6.jpg': { colours: TURNED, size: [40, 60], orientation: 6 },

  'avif-sequence.avif': { colours: UPRIGHT, channels: 3 },
  'avif-10bit.avif': { colours: UPRIGHT },
  'avif-12bit.avif': { colours: UPRIGHT },
  'avif-exif6-only.avif': { colours: UPRIGHT, orientation: 1 },
  // The picture is turned by its irot property, so nothing is left for EXIF to turn.
  'avif-irot-and-exif6.avif': { colours: TURNED, size: [40, 60], orientation: 1 },
  'avif-irot-from-exif6.avif': { colours: TURNED, size: [40, 60], orientation: 1 },

  // Made with pillow-heif. The orientation became irot and imir, as phones write them.
  'heic.heic': { colours: UPRIGHT, size: [64, 40], channels: 3 },
  'heic-orientation-2.heic': { colours: [GREEN, RED, YELLOW, BLUE], size: [64, 40], orientation: 1 },
  'heic-orientation-3.heic': { colours: [YELLOW, BLUE, GREEN, RED], size: [64, 40], orientation: 1 },
  'heic-orientation-4.heic': { colours: [BLUE, YELLOW, RED, GREEN], size: [64, 40], orientation: 1 },
  'heic-orientation-5.heic': { colours: [RED, BLUE, GREEN, YELLOW], size: [40, 64], orientation: 1 },
  'heic-orientation-6.heic': { colours: TURNED, size: [40, 64], orientation: 1 },
  'heic-orientation-7.heic': { colours: [YELLOW, GREEN, BLUE, RED], size: [40, 64], orientation: 1 },
  'heic-orientation-8.heic': { colours: [GREEN, YELLOW, RED, BLUE], size: [40, 64], orientation: 1 },
  'heic-alpha.heic': { colours: [RED, GREEN, BLUE, WHITE], size: [64, 40], channels: 4 },
  'heic-grey.heic': { colours: GREY, size: [64, 40], channels: 3 },
  'heic-10bit.heic': { colours: UPRIGHT, size: [64, 40], channels: 3 },
  'heic-brand-mihe.heic': { colours: UPRIGHT, size: [64, 40], channels: 3 },
  'heic-second-primary.heic': { colours: UPRIGHT, size: [64, 40], channels: 3 },
  'heic-display-p3.heic': { colours: UPRIGHT, size: [64, 40], channels: 3 },

  'svg-333333-square.svg': { colours: UPRIGHT, size: [333_333, 333_333], channels: 4 },
  'svg-20000x14000.svg': { colours: UPRIGHT, size: [20_000, 14_000], channels: 4 },
  'svg-a0-in-mm.svg': { colours: UPRIGHT, size: [3179, 4494], channels: 4 },

  'png-16bit-grey.png': { colours: GREY, channels: 1 },
  'png-16bit-grey-trns.png': { colours: [WHITE, grey(119), grey(56), grey(202)], channels: 2 },
  'png-16bit-grey-alpha.png': { colours: [grey(87), grey(119), WHITE, WHITE], channels: 2 },
  'png-16bit-rgba.png': { colours: [RED, GREEN, WHITE, WHITE], channels: 4 },
  'png-1x1.png': { colours: ONE_COLOUR, size: [1, 1] },
  // Enlarged from two columns, the colours run into each other.
  'png-1x3000.png': { colours: UPRIGHT, size: [2, 3000], tolerance: 60 },
  'png-exif6-after-idat.png': { colours: UPRIGHT, orientation: 1 },
  'png-exif6-before-idat.png': { colours: TURNED, size: [40, 60], orientation: 6 },
  'png-grey-with-rgb-icc.png': { colours: GREY, channels: 1 },

  'gif-frame1-beyond-screen.gif': { colours: ONE_COLOUR },
  'gif-frame2-beyond-screen.gif': { colours: ONE_COLOUR },
  'gif-screen-0x0.gif': { colours: ONE_COLOUR },

  'webp-exif6.webp': { colours: TURNED, size: [40, 60], orientation: 6 },
  'webp-exif6-with-prefix.webp': { colours: TURNED, size: [40, 60], orientation: 6 },
};
const BITMAPS = readdirSync(DIR).filter((name) => name.startsWith('bmp-') && name !== 'bmp-jpeg-inside.bmp');

for (const name of BITMAPS)
  SHOWN[name] = {
    size: [61, 41],
    colours: name === 'bmp-1bit-odd.bmp' ? [RED, RED, BLUE, BLUE] : UPRIGHT,
    channels: /32bit/.test(name) ? 4 : 3,
    tolerance: 13,
  };

/** Pictures whose samples have no agreed colours, or that need a decoder that is not here. They are indexed. */
const INDEXED: Record<string, { size?: [number, number]; channels: number; code?: string; message: string }> = {
  'bmp-jpeg-inside.bmp': { size: [61, 41], channels: 3, message: "BMP with a JPEG inside can't be decoded" },
  'tiff-4band-u8-minisblack.tif': { channels: 4, message: "TIFF with 4 bands that are not RGB can't be decoded" },
  'tiff-3band-u8-minisblack.tif': { channels: 3, message: "TIFF with 3 bands that are not RGB can't be decoded" },
  'tiff-3band-float-minisblack.tif': { channels: 3, message: "TIFF with 3 bands that are not RGB can't be decoded" },
  'tiff-multispectral-6-minisblack.tif': {
    channels: 6,
    message: "TIFF with 6 bands that are not RGB can't be decoded",
  },
  'tiff-lab.tif': { channels: 3, message: "TIFF with CIELab colours can't be decoded" },
  'tiff-float64-grey-0to1.tif': { channels: 1, message: "TIFF with 64-bit float samples can't be decoded" },
  'tiff-zstd.tif': { channels: 3, message: "TIFF with Zstandard can't be decoded" },
  'tiff-lerc.tif': { channels: 3, message: "TIFF with LERC can't be decoded" },
  'tiff-jpeg2000.tif': { channels: 3, message: "TIFF with JPEG 2000 can't be decoded" },
  'tiff-ojpeg.tif': { channels: 3, message: "TIFF with old-style JPEG can't be decoded" },
  'tiff-i8-signed.tif': {
    channels: 1,
    message: "TIFF with signed 8-bit integer samples, whose black is not defined, can't be decoded",
  },
  'tiff-i16-signed.tif': {
    channels: 1,
    message: "TIFF with signed 16-bit integer samples, whose black is not defined, can't be decoded",
  },
  'tiff-float32-dem-0to2500.tif': {
    channels: 1,
    message: "TIFF with float samples up to 2,020, where 1 or 255 would be white, can't be decoded",
  },
  'jpeg-12bit.jpg': { channels: 3, message: "JPEG with 12 bits a sample can't be decoded" },
  'png-cgbi.png': { channels: 4, message: "PNG in Apple's own form (CgBI) can't be decoded: export it as PNG" },
  // A JPEG without its end can't be told from one that lost its last rows, whatever browsers show of both.
  'jpeg-no-eoi.jpg': {
    channels: 3,
    code: 'decode_failed',
    message: 'the file is damaged: premature end of JPEG image',
  },
};

describe.each(Object.entries(SHOWN))('%s', (name, { size = [60, 40], channels, orientation, colours, tolerance }) => {
  const path = join(DIR, name);
  // JPEG and 4:2:0 AVIF lose a few shades; drawings have soft edges.
  const within = tolerance ?? 8;

  it('is indexed as it is displayed', () => {
    const { metadata, error } = outcomes.get(name) as HeaderOutcome;
    expect(error).toBeUndefined();
    expect([metadata?.width, metadata?.height]).toEqual(size);
    expect(metadata?.orientation).toBe(orientation ?? 1);
    if (channels !== undefined) expect(metadata?.num_channels).toBe(channels);
  });

  it('has the pixels that it shows', async () => {
    const pixels = await decodePixels({ path }, GEOMETRY);
    expect(pixels).toHaveLength(8 * 8 * 3);
    expectColours(quadrantsOf(pixels, 8, 8, 3), colours, within);
  });

  it('has a thumbnail of what it shows', async () => {
    const image = { path: Buffer.from(path), identity: identityOf(statSync(path, { bigint: true })) };
    const thumbnail = sharp(await drawThumbnail({ image, side: 32 })).flatten({ background: 'white' });
    const { data, info } = await thumbnail.raw().toBuffer({ resolveWithObject: true });
    // WebP loses some shades, more where a quadrant is a pixel or two wide.
    if (size[0] > 2) expectColours(quadrantsOf(data, info.width, info.height, info.channels), colours, within + 20);
  });
});

describe.each(Object.entries(INDEXED))(
  '%s',
  (name, { size = [60, 40], channels, code = 'unsupported_format', message }) => {
    const path = join(DIR, name);

    it('is indexed', () => {
      const { metadata, error } = outcomes.get(name) as HeaderOutcome;
      expect(error).toBeUndefined();
      expect(metadata).toMatchObject({ width: size[0], height: size[1], num_channels: channels, orientation: 1 });
    });

    it('says why it has no vector and no thumbnail', async () => {
      const image = { path: Buffer.from(path), identity: identityOf(statSync(path, { bigint: true })) };
      await expect(decodePixels({ path }, GEOMETRY)).rejects.toMatchObject({ code, message });
      await expect(drawThumbnail({ image, side: 32 })).rejects.toMatchObject({ code, message });
    });
  },
);

it('has a test for each file', () => {
  const tested = [...Object.keys(SHOWN), ...Object.keys(INDEXED)];
  expect(tested.sort()).toEqual(readdirSync(DIR).sort());
});
