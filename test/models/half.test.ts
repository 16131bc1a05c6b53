import { expect, test } from 'vitest';
import { floatFromHalf, halfFromFloat } from '../../core/models/half.ts';

test('every half survives the way to a number and back', () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = floatFromHalf(bits);
    if (Number.isNaN(value)) expect(Number.isNaN(floatFromHalf(halfFromFloat(value)))).toBe(true);
    else if (halfFromFloat(value) !== bits) throw new Error(`${bits} became ${halfFromFloat(value)}`);
  }
});

test.each([
  [0, 0x0000],
  [-0, 0x8000],
  [1, 0x3c00],
  [-2, 0xc000],
  [65_504, 0x7bff],
  [65_519, 0x7bff],
  [65_520, 0x7c00],
  [2 ** -24, 0x0001],
  [2 ** -25, 0x0000],
  [1 + 2 ** -11, 0x3c00],
  [1 + 3 * 2 ** -11, 0x3c02],
  [1 / 3, 0x3555],
  [Number.NaN, 0x7e00],
])('%d has the bits %i', (value, bits) => {
  expect(halfFromFloat(value)).toBe(bits);
});

test.each([
  [0x7c00, Number.POSITIVE_INFINITY],
  [0xfc00, Number.NEGATIVE_INFINITY],
  [0x7e00, Number.NaN],
])('the bits %i are %d', (bits, value) => {
  expect(floatFromHalf(bits)).toBe(value);
});
