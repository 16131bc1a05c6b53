import { describe, expect, test } from 'vitest';
import type { Point } from '../../contract/annotation.ts';
import {
  bitmapOfMask,
  compressCounts,
  expandCounts,
  MAX_MASK_PIXELS,
  maskArea,
  maskBox,
  maskOf,
  maskOfBitmap,
  RleError,
} from '../../core/annotations/rle.ts';
import { maskOfPolygons } from '../../core/annotations/rle-polygons.ts';
import expected from './rle/expected.json' with { type: 'json' };

const ringOf = (flat: number[]) =>
  Array.from({ length: flat.length / 2 }, (_, at): Point => [flat[2 * at] as number, flat[2 * at + 1] as number]);

const sizeOf = (size: number[]) => size as [number, number];

describe('polygons equal those of pycocotools', () => {
  test.each(expected.polygons)('$name', ({ rings, size, counts, area, box }) => {
    const mask = maskOfPolygons(rings.map(ringOf), sizeOf(size));
    expect(mask).toEqual({ size, counts });
    expect(maskArea(mask)).toBe(area);
    expect(maskBox(mask)).toEqual(box);
  });

  test('the start of a ring makes no difference', () => {
    for (const { rings, size, counts } of expected.polygons) {
      const turned = rings.map((flat) => ringOf([...flat.slice(2), ...flat.slice(0, 2)]));
      expect(maskOfPolygons(turned, sizeOf(size)).counts).toBe(counts);
    }
  });

  test('edges of a hundred million pixels take no time', () => {
    const far = 9e7;
    const ring: Point[] = [
      [-far, -far],
      [far, -far + 1],
      [far - 3, far],
      [-far + 7, far - 5],
    ];
    expect(maskArea(maskOfPolygons([ring], [100, 100]))).toBe(10_000);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 1e300])('a corner at %s is refused', (x) => {
    const ring: Point[] = [
      [x, 0],
      [4, 0],
      [4, 4],
    ];
    expect(() => maskOfPolygons([ring], [10, 10])).toThrow(RleError);
  });

  test('no ring draws nothing', () => {
    expect(maskArea(maskOfPolygons([], [4, 4]))).toBe(0);
    expect(maskArea(maskOfPolygons([[]], [4, 4]))).toBe(0);
  });
});

describe('masks equal those of pycocotools', () => {
  test.each(expected.masks)('of size $size with area $area', ({ size, counts, runs, pixels, area, box }) => {
    expect(compressCounts(runs)).toBe(counts);
    expect(expandCounts(counts)).toEqual(runs);
    expect(maskOf(size, runs)).toEqual({ size, counts });
    expect(maskOf(size, counts)).toEqual({ size, counts });
    const mask = { size: sizeOf(size), counts };
    expect(maskArea(mask)).toBe(area);
    expect(maskBox(mask)).toEqual(box);
    const bitmap = bitmapOfMask(mask);
    if (pixels !== undefined) expect([...bitmap].join('')).toBe(pixels);
    expect(maskOfBitmap(bitmap, mask.size)).toEqual(mask);
  });
});

describe('what is no mask is refused', () => {
  test.each<[string, unknown, unknown]>([
    ['counts above the size', [2, 2], [1, 4]],
    ['counts below the size', [2, 2], [1, 2]],
    ['no counts', [2, 2], []],
    ['a negative count', [2, 2], [5, -1]],
    ['a fraction', [2, 2], [1.5, 2.5]],
    ['words', [2, 2], ['1', '3']],
    ['a number for counts', [2, 2], 4],
    ['a compressed count that is negative', [2, 2], 'O5'],
    ['a compressed text that is cut', [2, 2], 'Q'],
    ['an empty text', [2, 2], ''],
    ['characters that are none', [2, 2], '1 3'],
    ['a count above 2^28', [2, 2], 'PPPPPP8'],
    ['a count of too many groups', [2, 2], 'PPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPP0'],
    ['no size', undefined, [4]],
    ['a size of one number', [4], [4]],
    ['a size of zero', [0, 4], [0]],
    ['a negative size', [-2, -2], [4]],
    ['a size of words', ['2', '2'], [4]],
    ['more pixels than fit in memory', [MAX_MASK_PIXELS, 2], [2 * MAX_MASK_PIXELS]],
  ])('%s', (_, size, counts) => {
    expect(() => maskOf(size, counts)).toThrow(RleError);
  });

  test('a bitmap of another size', () => {
    expect(() => maskOfBitmap(new Uint8Array(5), [2, 2])).toThrow(RleError);
    expect(() => bitmapOfMask({ size: [2, 2], counts: compressCounts([5]) })).toThrow(RleError);
  });
});
