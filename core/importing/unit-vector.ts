import type { RowProblem } from './vector-row.ts';

/** A vector whose length differs from 1 by less than float32 rounds is left as it is: ours come back bit by bit. */
const ROUNDED = 1e-6;

/** Scales numbers to a vector of length 1 (L2), in float64. Numbers beyond float32 are no fault if their vector fits. */
export function unitVector(values: ArrayLike<number>): Float32Array | RowProblem {
  let largest = 0;
  for (let i = 0; i < values.length; i += 1) {
    const value = Math.abs(values[i] as number);
    if (!Number.isFinite(value))
      return { reason: 'not_finite', message: `Number ${i} of the vector is ${values[i] as number}.` };
    if (value > largest) largest = value;
  }
  if (largest === 0) return { reason: 'zero_vector', message: 'All numbers of the vector are 0.' };
  // Squares of very large or very small numbers are out of range.
  let sum = 0;
  for (let i = 0; i < values.length; i += 1) sum += ((values[i] as number) / largest) ** 2;
  const length = Math.sqrt(sum);
  if (Math.abs(length * largest - 1) < ROUNDED) return Float32Array.from(values);
  return Float32Array.from(values, (value) => value / largest / length);
}
