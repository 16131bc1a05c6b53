import sharp from 'sharp';
import { expect, test } from 'vitest';
import { decodePixels } from '../../../core/media/images/decode.ts';
import type { PixelGeometry } from '../../../core/media/images/resize.ts';

type Resize = PixelGeometry['resize'];

/** The red of the decoded rows. */
async function rowsOf(bytes: Uint8Array, resize: Resize, crop = { width: resize.width, height: resize.height }) {
  const pixels = await decodePixels({ bytes }, { resize, crop });
  const red = [...pixels].filter((_, i) => i % 3 === 0);
  return Array.from({ length: crop.height }, (_, row) => red.slice(row * crop.width, (row + 1) * crop.width));
}

/** A grey picture of the given rows. */
function pictureOf(rows: number[][]) {
  const pixels = Uint8Array.from(rows.flat().flatMap((value) => [value, value, value]));
  return sharp(pixels, { raw: { width: rows[0]?.length as number, height: rows.length, channels: 3 } });
}

const RAMP = [0, 30, 60, 90, 120, 150, 180, 210];
const ACROSS = pictureOf(RAMP.map(() => RAMP));
const DOWN = pictureOf(RAMP.map((value) => RAMP.map(() => value)));

/** Computed with Pillow 13.0.0: Image.fromarray(ramp).resize(size, filter). */
const BY_PILLOW = [
  { kernel: 'linear', edge: 12, values: [0, 15, 35, 55, 75, 95, 115, 135, 155, 175, 195, 210] },
  { kernel: 'cubic', edge: 12, values: [0, 12, 35, 55, 75, 95, 115, 135, 155, 175, 198, 212] },
  {
    kernel: 'nearest',
    edge: 16,
    values: [0, 0, 30, 30, 60, 60, 90, 90, 120, 120, 150, 150, 180, 180, 210, 210],
  },
  {
    kernel: 'linear',
    edge: 16,
    values: [0, 8, 23, 38, 53, 68, 83, 98, 113, 128, 143, 158, 173, 188, 203, 210],
  },
] as const;

test.each(BY_PILLOW)(
  'an edge of 8 that is enlarged to $edge ($kernel) has its pixels where Pillow puts them',
  async (right) => {
    const { kernel, edge, values } = right;
    // The other edge grows, stays, or shrinks.
    for (const other of [24, 8, 4]) {
      const across = { fit: 'fill', width: edge, height: other, kernel, asPillow: true } as const;
      for (const row of await rowsOf(await ACROSS.clone().png().toBuffer(), across)) expectNear(row, values);
      const down = { fit: 'fill', width: other, height: edge, kernel, asPillow: true } as const;
      const rows = await rowsOf(await DOWN.clone().png().toBuffer(), down);
      for (let column = 0; column < other; column++)
        expectNear(
          rows.map((row) => row[column] as number),
          values,
        );
    }
  },
);

test('an enlarged edge is cropped where the whole would be', async () => {
  const picture = await ACROSS.clone().png().toBuffer();
  const resize = { fit: 'fill', width: 12, height: 16, kernel: 'linear', asPillow: true } as const;
  const whole = await rowsOf(picture, resize);
  // 12 - 7 is odd: the left side gets less.
  const right = whole.slice(5, 11).map((row) => row.slice(2, 9));
  expect(await rowsOf(picture, resize, { width: 7, height: 6 })).toEqual(right);
});

test('a model without a named processor gets what libvips makes, as before', async () => {
  const picture = await ACROSS.clone().png().toBuffer();
  for (const [width, height] of [
    [12, 16],
    [4, 16],
    [4, 4],
  ] as const) {
    const plain = await sharp(picture).resize(width, height, { fit: 'fill', kernel: 'linear' }).raw().toBuffer();
    const resize = { fit: 'fill', width, height, kernel: 'linear', asPillow: false } as const;
    expect(await decodePixels({ bytes: picture }, { resize, crop: { width, height } })).toEqual(plain);
  }
});

const COVER_2 = { fit: 'cover', width: 2, height: 2, kernel: 'linear' } as const;

test.each([true, false])(
  'the middle of an odd difference lies on the left, above (as Pillow: %s)',
  async (asPillow) => {
    const values = [10, 20, 30, 40, 50];
    const wide = await pictureOf([values, values]).png().toBuffer();
    expect(await rowsOf(wide, { ...COVER_2, asPillow })).toEqual([
      [20, 30],
      [20, 30],
    ]);
    const tall = await pictureOf(values.map((value) => [value, value]))
      .png()
      .toBuffer();
    expect(await rowsOf(tall, { ...COVER_2, asPillow })).toEqual([
      [20, 20],
      [30, 30],
    ]);
  },
);

test('a picture is covered as it is displayed', async () => {
  const values = [10, 20, 30, 40, 50];
  const tall = pictureOf(values.map((value) => [value, value]));
  const shown = await rowsOf(await tall.clone().png().toBuffer(), COVER_2);
  const stored = await sharp(await tall.clone().rotate(270).png().toBuffer())
    .withMetadata({ orientation: 6 })
    .tiff({ compression: 'none' })
    .toBuffer();
  expect((await sharp(stored).metadata()).width).toBe(5);
  expect(await rowsOf(stored, COVER_2)).toEqual(shown);
});

test('a drawing is drawn at the size of the model, not enlarged', async () => {
  // Drawn at 16 pixels, the black ends at 4.4: the fifth pixel is 40 % black.
  const drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><path d="M0 0h1.1v4h-1.1z"/></svg>';
  const resize = { fit: 'fill', width: 16, height: 16, kernel: 'linear', asPillow: true } as const;
  const [row] = await rowsOf(Buffer.from(drawing), resize);
  expectNear(row?.slice(3, 6) as number[], [0, 153, 255]);
});

function expectNear(actual: number[], right: readonly number[]): void {
  expect(actual).toHaveLength(right.length);
  for (const [i, value] of actual.entries()) expect(Math.abs(value - (right[i] as number))).toBeLessThanOrEqual(1);
}
