import { expect, test } from 'vitest';
import { allocateBatch, createPixelWriter } from '../../../core/media/images/image-tensor.ts';
import { floatFromHalf } from '../../../core/models/half.ts';

/** Two pixels: red is 1 and 4, green 2 and 5, blue 3 and 6. */
const PIXELS = Uint8Array.from([1, 2, 3, 4, 5, 6]);
const NORMALIZATION = { rescaleFactor: 10, mean: [0, 1, 2], std: [1, 1, 1] };

test.each([
  { channelOrder: 'RGB', layout: 'NCHW', right: [1, 4, 2, 5, 3, 6] },
  { channelOrder: 'RGB', layout: 'NHWC', right: [1, 2, 3, 4, 5, 6] },
  { channelOrder: 'BGR', layout: 'NCHW', right: [3, 6, 2, 5, 1, 4] },
  { channelOrder: 'BGR', layout: 'NHWC', right: [3, 2, 1, 6, 5, 4] },
] as const)('$channelOrder in $layout, for every type of input', ({ channelOrder, layout, right }) => {
  for (const type of ['uint8', 'float32'] as const) {
    const batch = allocateBatch(type, 12);
    const write = createPixelWriter(
      { name: 'pixels', type, layout, fixedBatch: undefined },
      { normalization: undefined, channelOrder },
    );
    write(PIXELS, batch, 1);
    expect([...batch]).toEqual([0, 0, 0, 0, 0, 0, ...right]);
  }
});

test.each([
  { channelOrder: 'RGB', right: [10, 19, 28, 40, 49, 58] },
  { channelOrder: 'BGR', right: [28, 19, 10, 58, 49, 40] },
] as const)('values are normalised by their colour, whatever its place ($channelOrder)', ({ channelOrder, right }) => {
  const batch = allocateBatch('float32', 6);
  const write = createPixelWriter(
    { name: 'pixels', type: 'float32', layout: 'NHWC', fixedBatch: undefined },
    { normalization: NORMALIZATION, channelOrder },
  );
  write(PIXELS, batch, 0);
  expect([...batch]).toEqual(right);
});

test('halves are the bits of the nearest half to each value, in both layouts', () => {
  // 1/3 and 2/3 are no halves: the nearest are 0x3555 and 0x3955. 70,000 is beyond the largest, 65,504.
  const normalization = { rescaleFactor: 1, mean: [0, 0, 0], std: [3, -1, 6 / 70_000] };
  for (const [layout, bits] of [
    ['NHWC', [0x3555, 0xc000, 0x7c00, 0x3955, 0xc500, 0x7c00]],
    ['NCHW', [0x3555, 0x3955, 0xc000, 0xc500, 0x7c00, 0x7c00]],
  ] as const) {
    const batch = allocateBatch('float16', 6);
    expect(batch).toBeInstanceOf(Uint16Array);
    const write = createPixelWriter(
      { name: 'pixels', type: 'float16', layout, fixedBatch: undefined },
      { normalization, channelOrder: 'RGB' },
    );
    write(Uint8Array.from([1, 2, 6, 2, 5, 6]), batch, 0);
    expect([...batch]).toEqual(bits);
  }
  expect([0x3555, 0x3955, 0xc500].map(floatFromHalf)).toEqual([0.333251953125, 0.66650390625, -5]);
});
