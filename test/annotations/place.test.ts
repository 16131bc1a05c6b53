import { describe, expect, it } from 'vitest';
import { frameOf, type Picture } from '../../core/annotations/place.ts';

const LANDSCAPE: Picture = { width: 200, height: 100, orientation: 1 };

const place = (
  picture: Picture | undefined,
  stated: object,
  annotation: object,
  unit: 'pixels' | 'relative' = 'pixels',
) => frameOf(picture, stated).place(annotation, unit);

describe('positions become shares of the picture', () => {
  it('pixels are divided by the stated size', () => {
    const { annotation } = place(LANDSCAPE, { width: 400, height: 200 }, { bounding_box: [40, 20, 80, 100] }) as never;
    expect(annotation).toEqual({ bounding_box: [0.1, 0.1, 0.2, 0.5] });
  });

  it('pixels are divided by the real size where none is stated', () => {
    const { annotation } = place(LANDSCAPE, {}, { bounding_box: [50, 25, 100, 50] }) as never;
    expect(annotation).toEqual({ bounding_box: [0.25, 0.25, 0.5, 0.5] });
  });

  it('a stated size will do for a file that could not be read', () => {
    const { annotation } = place(undefined, { width: 10, height: 10 }, { bounding_box: [1, 2, 3, 4] }) as never;
    expect(annotation).toEqual({ bounding_box: [0.1, 0.2, expect.closeTo(0.3), expect.closeTo(0.4)] });
  });

  it('nobody knows the size: it has no place', () => {
    expect(place(undefined, {}, { bounding_box: [1, 2, 3, 4] })).toMatchObject({ problem: 'unknown_size' });
    // A class needs none.
    expect(place(undefined, {}, { label: 'cat' })).toEqual({ annotation: { label: 'cat' }, clipped: false });
  });

  it('everything else is kept', () => {
    const said = { label: 'cat', confidence: 0.5, iscrowd: true, attributes: { colour: 'red' } };
    expect(place(LANDSCAPE, {}, said)).toEqual({ annotation: said, clipped: false });
  });
});

describe('a picture that is displayed turned', () => {
  // The file is 200 x 100; EXIF 6 shows it 100 x 200, turned to the right.
  const turned: Picture = { width: 100, height: 200, orientation: 6 };

  it('is annotated in the pixels of the file if the stated size is that of the file', () => {
    // The top left quarter of the file is the top right of what is shown.
    const { annotation } = place(turned, { width: 200, height: 100 }, { bounding_box: [0, 0, 50, 50] }) as never;
    expect(annotation).toEqual({ bounding_box: [0.5, 0, 0.5, 0.25] });
  });

  it('is annotated as displayed if the stated size is that of the display', () => {
    const { annotation } = place(turned, { width: 100, height: 200 }, { bounding_box: [0, 0, 50, 50] }) as never;
    expect(annotation).toEqual({ bounding_box: [0, 0, 0.5, 0.25] });
  });

  it('is recognised by its shape where the stated picture was smaller', () => {
    const { annotation } = place(turned, { width: 100, height: 50 }, { bounding_box: [0, 0, 25, 25] }) as never;
    expect(annotation).toEqual({ bounding_box: [0.5, 0, 0.5, 0.25] });
  });

  it.each([
    [5, [0.2, 0.1]],
    [6, [0.8, 0.1]],
    [7, [0.8, 0.9]],
    [8, [0.2, 0.9]],
  ] as const)('orientation %i moves a point of the file', (orientation, [x, y]) => {
    const picture = { width: 100, height: 200, orientation };
    const { annotation } = place(picture, { width: 200, height: 100 }, { keypoints: [[20, 20, 2]] }) as never;
    expect((annotation as { keypoints: number[][] }).keypoints[0]).toEqual([expect.closeTo(x), expect.closeTo(y), 2]);
  });

  it('turns a mask of the pixels of the file', () => {
    // 2 rows of 4 columns, of which the top left pixel is set: 0 zeros, 1 one, 7 zeros.
    const mask = { size: [2, 4], counts: '017' };
    const picture = { width: 2, height: 4, orientation: 6 };
    const { annotation } = place(picture, { width: 4, height: 2 }, { mask }) as never;
    // Shown, it is the top right pixel of 4 rows of 2 columns: the fifth, down the columns.
    expect(annotation).toEqual({ mask: { size: [4, 2], counts: '413' } });
  });
});

describe('what reaches out of the picture', () => {
  it('is cut at the edge, and said', () => {
    expect(place(LANDSCAPE, {}, { bounding_box: [-20, 50, 60, 100] })).toEqual({
      annotation: { bounding_box: [0, 0.5, 0.2, 0.5] },
      clipped: true,
    });
    expect(
      place(
        LANDSCAPE,
        {},
        {
          points: [
            [
              [0, 0],
              [300, 0],
              [100, 100],
            ],
          ],
        },
      ),
    ).toEqual({
      annotation: {
        points: [
          [
            [0, 0],
            [1, 0],
            [0.5, 1],
          ],
        ],
      },
      clipped: true,
    });
  });

  it('an error of rounding is none', () => {
    const box = [0.9, 0.9, 0.1 + 1e-12, 0.1 + 1e-12];
    expect(place(LANDSCAPE, {}, { bounding_box: box }, 'relative')).toMatchObject({ clipped: false });
  });

  it.each([[[250, 0, 10, 10]], [[-50, 0, 20, 10]], [[0, 100, 10, 10]]])('%j lies outside', (bounding_box) => {
    expect(place(LANDSCAPE, {}, { bounding_box })).toMatchObject({ problem: 'outside' });
  });

  it('a keypoint that is not labelled has no position', () => {
    const { annotation } = place(
      LANDSCAPE,
      {},
      {
        keypoints: [
          [0, 0, 0],
          [500, 500, 0],
        ],
      },
    ) as never;
    expect(annotation).toEqual({
      keypoints: [
        [0, 0, 0],
        [0, 0, 0],
      ],
    });
  });
});

describe('what is no place', () => {
  it.each([[[0, 0, 0, 10]], [[0, 0, -5, 10]], [[Number.NaN, 0, 5, 5]], [[0, 0, Number.POSITIVE_INFINITY, 5]]])(
    'the box %j',
    (bounding_box) => {
      expect(place(LANDSCAPE, {}, { bounding_box })).toMatchObject({ problem: 'bad_geometry' });
    },
  );

  it('an outline with NaN', () => {
    expect(place(LANDSCAPE, {}, { points: [[[0, Number.NaN]]] })).toMatchObject({ problem: 'bad_geometry' });
  });
});
