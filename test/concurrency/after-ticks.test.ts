import { afterEach, expect, it, vi } from 'vitest';
import { afterTicks } from '../../core/concurrency/after-ticks.ts';
import { standStill } from '../support/stand-still.ts';

afterEach(() => {
  vi.useRealTimers();
});

it.each([100, 1000, 30_000])('is late after %i ms, and once', (ms) => {
  vi.useFakeTimers();
  const onLate = vi.fn();
  afterTicks(ms, onLate);
  vi.advanceTimersByTime(ms - 1);
  expect(onLate).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(onLate).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(3 * ms);
  expect(onLate).toHaveBeenCalledTimes(1);
});

it('is not late once its count has ended, which says how far it was', () => {
  vi.useFakeTimers();
  const onLate = vi.fn();
  const endCount = afterTicks(30_000, onLate);
  vi.advanceTimersByTime(29_500);
  expect(endCount()).toBe(29_000);
  vi.advanceTimersByTime(30_000);
  expect(onLate).not.toHaveBeenCalled();
});

it('counts a freeze of any length as one tick', async () => {
  let isLate = false;
  const endCount = afterTicks(500, () => {
    isLate = true;
  });
  const plainTimer = new Promise((resolve) => setTimeout(resolve, 500));
  standStill(1000);
  await plainTimer;
  expect(endCount()).toBeLessThan(500);
  expect(isLate).toBe(false);
});
