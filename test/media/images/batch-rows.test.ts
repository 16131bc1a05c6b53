import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkShape } from '../../../core/media/images/decode.ts';
import { DEFAULT_DECODE_LIMITS } from '../../../core/media/images/decode-limits.ts';
import { openDecoder } from '../../../core/media/images/file-decoder.ts';
import { openPreparation } from '../../../core/media/images/preparation.ts';
import type { Decoder, FilePreparation } from '../../../core/media/preparation.ts';
import { type SampleType, tiffFile } from '../../support/tiff-file.ts';

const SIDE = 4;
const ROW = SIDE * SIDE * 3;
const ROWS = 3;

const LAYOUTS = ['NCHW of float32', 'NHWC of uint8'] as const;
const preparations = new Map<string, FilePreparation>();
const NEVER = [() => {}, async () => {}] as const;
let decoder: Decoder;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'plimsoll-batch-'));
  const config = join(dir, 'preprocessor_config.json');
  const size = { height: SIDE, width: SIDE };
  await writeFile(config, JSON.stringify({ size, resample: 0, do_rescale: false, do_normalize: false }));
  for (const layout of LAYOUTS) {
    const [type, shape] =
      layout === 'NCHW of float32' ? ['float32', ['n', 3, SIDE, SIDE]] : ['uint8', ['n', SIDE, SIDE, 3]];
    const request = {
      graphFile: 'model.onnx',
      files: [config],
      inputs: [{ name: 'pixels', type: type as string, shape: shape as (string | number)[] }],
      options: DEFAULT_DECODE_LIMITS,
    };
    const preparation = await openPreparation(request);
    preparations.set(layout, preparation);
    decoder = await openDecoder({ options: preparation.decoding.options, threads: 1 });
  }
});
afterAll(() => rm(dir, { recursive: true }));

const TYPES: Record<SampleType, number> = {
  uint8: 255,
  uint16: 65_535,
  uint32: 2 ** 32 - 1,
  int8: 127,
  int16: 32_767,
  int32: 2 ** 31 - 1,
  float32: 1,
  float64: 1,
};
const COLOURS = { grey: 1, RGB: 2, CMYK: 5, CIELab: 8 } as const;
const EXTRAS = { 'data bands': 0, 'alpha bands': 2 } as const;
/** Shares of full brightness in the bands of a pixel. The alpha of a sixth of the pixel is laid on white. */
const SHARES = [0.8, 0.1, 0.3, 0.9, 0.5, 0.6];

interface Case {
  name: string;
  bytes: Buffer;
  photometric: number;
  bands: number;
  type: SampleType;
  extra: number;
}

function* allCases(): Generator<Case> {
  for (const type of Object.keys(TYPES) as SampleType[])
    for (const [colours, photometric] of Object.entries(COLOURS))
      for (const [extras, extra] of Object.entries(EXTRAS))
        for (let bands = 1; bands <= 6; bands++) {
          const count = Math.max(0, bands - coloursOf(photometric));
          if (count === 0 && extra !== 0) continue;
          const bytes = tiffFile({
            width: 6,
            height: 6,
            type,
            photometric,
            samples: bands,
            ...(count > 0 && { extraSamples: Array.from({ length: count }, (_, n) => (n === 0 ? extra : 0)) }),
            sample: (_x, _y, band) => sampleValue(type, band),
          });
          yield { name: `${bands} bands of ${type}, ${colours}, ${extras}`, bytes, photometric, bands, type, extra };
        }
}

const coloursOf = (photometric: number) => (photometric === 1 ? 1 : photometric === 5 ? 4 : 3);

function sampleValue(type: SampleType, band: number): number {
  const value = (SHARES[band] as number) * TYPES[type];
  return type.startsWith('float') ? value : Math.round(value);
}

/** The colour that a decodable case shows, within rounding. Undefined where none is defined. */
function colourOf({ photometric, bands, type, extra }: Case): number[] | undefined {
  const is8Or16 = type === 'uint8' || type === 'uint16';
  const isDecoded = is8Or16 || type === 'uint32' || type === 'float32';
  const extras = bands - coloursOf(photometric);
  const isOnlyAlpha = extra === 2 && extras === 1;
  if (!isDecoded || extras < 0 || (extra === 2 && !is8Or16)) return undefined;
  if (photometric === 1 && bands > 2) return undefined;
  const alpha = extra === 2 && (isOnlyAlpha || extras > 0) ? (SHARES[coloursOf(photometric)] as number) : 1;
  const colours = photometric === 1 ? [0, 0, 0] : photometric === 2 ? [0, 1, 2] : undefined;
  return colours?.map((band) => 255 * ((SHARES[band] as number) * alpha + 1 - alpha));
}

describe.each(LAYOUTS)('a batch of %s', (layout) => {
  it('holds in each row the pixels of its own image, or the image failed with its reason', async () => {
    const preparation = preparations.get(layout) as FilePreparation;
    const neighbour = new Uint8Array(ROW).fill(77);
    let decoded = 0;
    for (const example of allCases()) {
      const pixels = await decoder.decode({ bytes: example.bytes }, ...NEVER).catch((error) => {
        expect(error, example.name).toMatchObject({ code: 'unsupported_format' });
        expect(error.message, example.name).toMatch(/TIFF with .*(bands|bits|samples|CIELab)/);
        return undefined;
      });
      const colour = colourOf(example);
      if (colour !== undefined) expect(pixels, example.name).toBeDefined();
      if (example.photometric !== COLOURS.CMYK) expect(pixels === undefined, example.name).toBe(colour === undefined);
      if (pixels === undefined) continue;
      decoded += 1;
      for (const [n, share] of (colour ?? []).entries()) {
        expect(Math.abs((pixels[n] as number) - share), `${example.name}: ${pixels.slice(0, 3)}`).toBeLessThan(2);
      }
      const alone = rowsOf(preparation, [pixels]).slice(0, ROW);
      for (let position = 0; position < ROWS; position++) {
        // The buffer still has the values of another batch.
        rowsOf(
          preparation,
          Array.from({ length: ROWS }, () => new Uint8Array(ROW).fill(200)),
        );
        const images = Array.from({ length: ROWS }, (_, row) => (row === position ? pixels : neighbour));
        const row = rowsOf(preparation, images).slice(position * ROW, (position + 1) * ROW);
        expect(row, `${example.name} at ${position}`).toEqual(alone);
      }
    }
    expect(decoded).toBeGreaterThan(30);
  });

  it.each([0, 1, ROW - 3, ROW + 3, (ROW / 3) * 5])('takes no image of %i values', (length) => {
    const preparation = preparations.get(layout) as FilePreparation;
    const whole = new Uint8Array(ROW);
    for (let position = 0; position < ROWS; position++) {
      const images = Array.from({ length: ROWS }, (_, row) => (row === position ? new Uint8Array(length) : whole));
      expect(() => rowsOf(preparation, images)).toThrow(`image ${position} of the batch has ${length} values`);
    }
  });
});

function rowsOf(preparation: FilePreparation, images: Uint8Array[]): number[] {
  return Array.from(preparation.feeds(images, ROWS).pixels?.elements as Float32Array, Number);
}

describe('decoded pixels', () => {
  const size = { width: SIDE, height: SIDE };
  const data = new Uint8Array(ROW);

  it('are taken if they are RGB of the size that is needed', () => {
    expect(checkShape({ data, info: { ...size, channels: 3 } }, size)).toBe(data);
  });

  it.each([
    ['one band', { ...size, channels: 1 }],
    ['four bands', { ...size, channels: 4 }],
    ['five bands', { ...size, channels: 5 }],
    ['another width', { width: SIDE + 1, height: SIDE, channels: 3 }],
    ['another height', { width: SIDE, height: SIDE - 1, channels: 3 }],
  ])('are refused with %s', (_name, info) => {
    const words = `${info.channels} bands of ${info.width}x${info.height} were decoded; RGB of 4x4 is needed`;
    expect(() => checkShape({ data, info }, size)).toThrow(
      expect.objectContaining({ code: 'unsupported_format', message: words }),
    );
  });
});
