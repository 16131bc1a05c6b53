import { expect, test } from 'vitest';
import { normalize } from '../../core/models/vectors.ts';

test.each([
  [
    [3, 4],
    [0.6, 0.8],
  ],
  [
    [-3, 4],
    [-0.6, 0.8],
  ],
  [[0.001], [1]],
])('%j has the direction %j', (values, expected) => {
  const vector = Float32Array.from(values);
  expect(normalize(vector)).toBe(true);
  expect(vector).toEqual(Float32Array.from(expected));
});

test.each([[[0, 0]], [[]], [[Number.NaN, 1]], [[Number.POSITIVE_INFINITY, 1]]])('%j has none', (values) => {
  const vector = Float32Array.from(values);
  expect(normalize(vector)).toBe(false);
  expect(vector).toEqual(Float32Array.from(values));
});
