import { expect, test } from 'vitest';
import { parseDuration } from '../../core/duration.ts';

const DAY_MS = 86_400_000;

test.each([
  ['30d', 30 * DAY_MS],
  ['12h', DAY_MS / 2],
  ['1h30m', 5_400_000],
  [' 1 h 30 m ', 5_400_000],
  ['1.5h', 5_400_000],
  ['2H', 7_200_000],
  ['1ms', 1],
  ['1.4ms', 1],
  ['2147483647s', 2_147_483_647_000],
])('%s is a duration', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(['', '30', 'd', '-1d', '1d -1h', 'x 1d', '1d!', '0s', '0.5ms', '2147483648s', '1 parsec', 'one day'])(
  '"%s" is none',
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);
