import { expect, test } from 'vitest';
import type { TensorData } from '../../core/media/preparation.ts';
import { pooled } from '../../inference/pooling.ts';

/** Halves by their bits, as the standard writes them. */
const HALVES: [bits: number, value: number][] = [
  [0x0000, 0],
  [0x3c00, 1],
  [0xc000, -2],
  [0x3555, 0.333251953125],
  [0x7bff, 65_504],
  [0x0001, 2 ** -24],
  [0x8400, -(2 ** -14)],
  [0x4248, 3.140625],
];

/** Numbers without a pattern, the same in each run. */
const numbers = (count: number) => Array.from({ length: count }, (_, i) => Math.fround(Math.sin(i * 12.9898) * 43.5));
const floats = (dims: number[], values = numbers(dims.reduce((a, b) => a * b, 1))) =>
  ({ type: 'float32', dims, data: Float32Array.from(values) }) as const;
const halves = (dims: number[], bits: number[]) => ({ type: 'float16', dims, data: Uint16Array.from(bits) }) as const;

/** The mean of some tokens of a row, computed from the flat values of [rows, tokens, dim]. */
function meanOf(values: ArrayLike<number>, [, tokens, dim]: [number, number, number], row: number, of: number[]) {
  return Array.from({ length: dim }, (_, i) => {
    const column = of.map((token) => values[(row * tokens + token) * dim + i] as number);
    return column.reduce((sum, value) => sum + value, 0) / of.length;
  });
}

function expectClose(actual: Float32Array, expected: readonly number[]): void {
  expect(actual).toBeInstanceOf(Float32Array);
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of actual.entries()) expect(value).toBeCloseTo(expected[i] as number, 4);
}

test('an output of a vector a row is taken as it is, without the rows that fill up a batch', () => {
  const output = floats([3, 5]);
  expect([...pooled(output, 3, 'none', undefined)]).toEqual(numbers(15));
  expect([...pooled(output, 2, 'none', undefined)]).toEqual(numbers(10));
  expect([...pooled(floats([4, 1]), 1, 'none', undefined)]).toEqual(numbers(1));
});

test('an output of height and width 1 holds a vector a row', () => {
  expect([...pooled(floats([3, 5, 1, 1]), 2, 'none', undefined)]).toEqual(numbers(10));
  expect([...pooled(halves([1, 2, 1, 1], [0x3c00, 0xc000]), 1, 'none', undefined)]).toEqual([1, -2]);
});

test('vectors are copies: what the runtime does with its memory afterwards changes nothing', () => {
  const output = floats([1, 4]);
  const vectors = pooled(output, 1, 'none', undefined);
  output.data.fill(0);
  expect([...vectors]).toEqual(numbers(4));
});

test('cls takes the first token of each row, whatever the mask', () => {
  const values = numbers(3 * 4 * 2);
  const firsts = [0, 1, 2].flatMap((row) => values.slice(row * 8, row * 8 + 2));
  const mask = maskOf([0, 0, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0]);
  expect([...pooled(floats([3, 4, 2]), 3, 'cls', undefined)]).toEqual(firsts);
  expect([...pooled(floats([3, 4, 2]), 3, 'cls', mask)]).toEqual(firsts);
  expect([...pooled(floats([3, 4, 2]), 2, 'cls', undefined)]).toEqual(firsts.slice(0, 4));
});

test('mean without a mask is over all tokens', () => {
  const dims: [number, number, number] = [2, 5, 3];
  const values = numbers(30);
  const expected = [0, 1].flatMap((row) => meanOf(values, dims, row, [0, 1, 2, 3, 4]));
  expectClose(pooled(floats(dims), 2, 'mean', undefined), expected);
  expectClose(pooled(floats(dims), 1, 'mean', undefined), expected.slice(0, 3));
});

test.each(['int64', 'int32', 'uint8', 'float32'] as const)(
  'mean with a mask of %s is over the tokens of its row that it does not leave out',
  (type) => {
    const dims: [number, number, number] = [3, 4, 3];
    const values = numbers(36);
    const mask = maskOf([1, 1, 0, 0], [0, 1, 0, 1], [1, 1, 1, 1]);
    const elements = {
      int64: mask.elements,
      int32: Int32Array.from(mask.elements as BigInt64Array, Number),
      uint8: Uint8Array.from(mask.elements as BigInt64Array, Number),
      float32: Float32Array.from(mask.elements as BigInt64Array, Number),
    }[type];
    const expected = [
      meanOf(values, dims, 0, [0, 1]),
      meanOf(values, dims, 1, [1, 3]),
      meanOf(values, dims, 2, [0, 1, 2, 3]),
    ];
    expectClose(pooled(floats(dims), 3, 'mean', { type, elements, dims: [3, 4] }), expected.flat());
  },
);

test('a row whose tokens are all left out is zeros, which is no vector', () => {
  expect([...pooled(floats([2, 2, 2]), 2, 'mean', maskOf([0, 0], [0, 1]))]).toEqual([0, 0, ...numbers(8).slice(6)]);
});

test('what is left out can not spoil a mean, be it infinite', () => {
  const values = [1, 2, Number.POSITIVE_INFINITY, Number.NaN, 3, 4];
  expect([...pooled(floats([1, 3, 2], values), 1, 'mean', maskOf([1, 0, 1]))]).toEqual([2, 3]);
});

test('halves are taken by their bits', () => {
  const bits = HALVES.map(([half]) => half);
  const values = HALVES.map(([, value]) => value);
  expect([...pooled(halves([2, 4], bits), 2, 'none', undefined)]).toEqual(values);
  expect([...pooled(halves([2, 2, 2], bits), 2, 'cls', undefined)]).toEqual([0, 1, 65_504, 2 ** -24]);
  const mean = [...meanOf(values, [2, 2, 2], 0, [0, 1]), ...meanOf(values, [2, 2, 2], 1, [1])];
  expectClose(pooled(halves([2, 2, 2], bits), 2, 'mean', maskOf([1, 1], [0, 1])), mean);
  // A part of a larger buffer, as the runtime may give it.
  const within = Uint16Array.from([0x7c00, ...bits, 0x7c00]).subarray(1, 9);
  expect([...pooled({ type: 'float16', dims: [2, 4], data: within }, 2, 'none', undefined)]).toEqual(values);
});

test.each([
  { dims: [2, 0], pooling: 'none' },
  { dims: [2], pooling: 'none' },
  { dims: [2, 3, 4], pooling: 'none' },
  { dims: [2, 3, 4, 1], pooling: 'none' },
  { dims: [2, 3, 1, 4], pooling: 'none' },
  { dims: [2, 3, 1], pooling: 'none' },
  { dims: [2, 3, 1, 1, 1], pooling: 'none' },
  { dims: [2, 3, 1, 1], pooling: 'mean' },
  { dims: [2, 0, 1, 1], pooling: 'none' },
  { dims: [2, 3, 1, 1], pooling: 'cls' },
  { dims: [], pooling: 'none' },
  { dims: [2, 0, 4], pooling: 'mean' },
  { dims: [2, 3, 0], pooling: 'mean' },
  { dims: [2, 3], pooling: 'mean' },
  { dims: [2, 0, 4], pooling: 'cls' },
  { dims: [2, 3], pooling: 'cls' },
  { dims: [2, 3, 4, 1], pooling: 'cls' },
] as const)('an output of shape $dims has no vectors for $pooling, and the error says so', ({ dims, pooling }) => {
  expect(() => pooled(floats([...dims]), 1, pooling, undefined)).toThrow(`shape [${dims.join(', ')}]`);
});

test('a mask of other tokens than the output is an error that names both', () => {
  const mask = maskOf([1, 1, 1], [1, 1, 1]);
  expect(() => pooled(floats([2, 2, 4]), 2, 'mean', mask)).toThrow(/\[2, 2, 4\].*\[2, 3\]/);
});

function maskOf(...rows: number[][]): TensorData {
  const dims = [rows.length, rows[0]?.length ?? 0];
  return { type: 'int64', elements: BigInt64Array.from(rows.flat(), BigInt), dims };
}
