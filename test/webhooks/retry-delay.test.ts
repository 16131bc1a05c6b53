import { describe, expect, it } from 'vitest';
import { busyDelayMs, parseRetryAfterMs, retryDelayMs } from '../../core/webhooks/retry-delay.ts';

describe('the time to the next try', () => {
  const minutes = (n: number) => n * 60_000;
  const none = () => 0;

  it('grows with the age of the delivery, from five seconds to six hours', () => {
    const ages: number[] = [];
    for (let age = 0; age < minutes(48 * 60); age += retryDelayMs(age, undefined, none)) ages.push(age);
    expect(ages.slice(0, 5)).toEqual([0, 5000, 15_000, 45_000, 135_000]);
    expect(ages).toHaveLength(16);
    expect(retryDelayMs(minutes(47 * 60), undefined, () => 1)).toBeCloseTo(minutes(6 * 60 * 1.1));
  });

  it('is the receiver’s to say, within bounds', () => {
    expect(retryDelayMs(0, 0)).toBe(1000);
    expect(retryDelayMs(minutes(5), 30_000)).toBe(30_000);
    expect(retryDelayMs(minutes(500), 1000)).toBe(minutes(5));
    expect(retryDelayMs(0, minutes(60 * 24 * 365))).toBe(minutes(6 * 60));
  });

  it('is random by a tenth', () => {
    expect(retryDelayMs(10_000, undefined, () => 0.5)).toBe(21_000);
  });

  it('is about as long as the delivery has waited for a free place, from a second to fifteen', () => {
    expect(busyDelayMs(0, none)).toBe(1000);
    expect(busyDelayMs(7000, none)).toBe(7000);
    expect(busyDelayMs(minutes(5), none)).toBe(15_000);
    expect(busyDelayMs(7000, () => 0.5)).toBe(10_500);
  });

  it('is read from seconds and from dates', () => {
    const now = Date.parse('2026-01-31T10:00:00Z');
    expect(parseRetryAfterMs('120', now)).toBe(120_000);
    expect(parseRetryAfterMs('Sat, 31 Jan 2026 10:01:00 GMT', now)).toBe(60_000);
    expect(parseRetryAfterMs('Sat, 31 Jan 2026 09:00:00 GMT', now)).toBe(0);
    expect(parseRetryAfterMs('999999999', now)).toBe(999_999_999_000);
    const wrong = [
      null,
      '',
      'soon',
      '-1',
      '1e9',
      '1.5',
      '1s',
      '1234567890',
      '2026-01-31',
      'x Sat, 31 Jan 2026',
      'Sat, x',
    ];
    for (const value of wrong) expect(parseRetryAfterMs(value, now)).toBeUndefined();
  });
});
