import { describe, expect, it } from 'vitest';
import { createPace, firstAtOnce } from '../../workflows/pace.ts';

/**
 * A queue whose workers take chunks in order. Returns how many chunks wait and are worked on after each that ends, once
 * as many have ended as are given.
 */
function simulate(
  pace: ReturnType<typeof createPace>,
  { slots, workMs, chunks }: Record<'slots' | 'workMs' | 'chunks', number>,
) {
  const freeAt = Array.from({ length: slots }, () => 0);
  const open: { queuedAt: number; endsAt: number }[] = [];
  let now = 0;
  for (let ended = 0; ended < chunks; ended += 1) {
    while (open.length < pace.atOnce()) {
      freeAt.sort((a, b) => a - b);
      const endsAt = Math.max(freeAt[0] as number, now) + workMs;
      freeAt[0] = endsAt;
      open.push({ queuedAt: now, endsAt });
    }
    open.sort((a, b) => a.endsAt - b.endsAt);
    const { queuedAt, endsAt } = open.shift() as { queuedAt: number; endsAt: number };
    now = endsAt;
    pace.note(endsAt - queuedAt, workMs);
  }
  return pace.atOnce();
}

describe('the chunks in a queue', () => {
  it.each([
    [1, 2],
    [4, 8],
    [16, 32],
  ])('keep %i workers busy, each with two slots, and at most as many wait', (_workers, slots) => {
    const atOnce = simulate(createPace(8), { slots, workMs: 20_000, chunks: 20 * slots });
    expect(atOnce).toBeGreaterThan(slots);
    expect(atOnce).toBeLessThanOrEqual(Math.max(2 * slots, 4));
  });

  it('follow workers that come and go', () => {
    const pace = createPace(8);
    simulate(pace, { slots: 2, workMs: 20_000, chunks: 50 });
    expect(simulate(pace, { slots: 16, workMs: 20_000, chunks: 100 })).toBeGreaterThan(16);
    expect(simulate(pace, { slots: 2, workMs: 20_000, chunks: 100 })).toBeLessThanOrEqual(4);
  });

  it('are two at least, and never too many for a workflow', () => {
    const pace = createPace(8);
    for (let n = 0; n < 100; n += 1) pace.note(1_000_000, 1000);
    expect(pace.atOnce()).toBe(2);
    for (let n = 0; n < 2000; n += 1) pace.note(1000, 1000);
    expect(pace.atOnce()).toBe(256);
  });

  it('do not become fewer for a chunk that was attempted several times, because its wait is unknown', () => {
    const pace = createPace(8);
    const before = pace.atOnce();
    for (let n = 0; n < 100; n += 1) pace.note(1_000_000, null);
    expect(pace.atOnce()).toBeGreaterThan(before);
  });

  it('are three for each worker at first, two at least', () => {
    expect([0, 1, 8, 1000].map(firstAtOnce)).toEqual([2, 3, 24, 256]);
  });
});
