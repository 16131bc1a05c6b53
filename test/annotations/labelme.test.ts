import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { labelme } from '../../core/annotations/formats/labelme.ts';
import { expectResumable, folderWith, readAll } from './format-files.ts';

const fileOf = (shapes: unknown[], more: object = {}) =>
  JSON.stringify({
    version: '5.5.0',
    flags: {},
    shapes,
    imagePath: 'a.jpg',
    imageData: null,
    imageHeight: 480,
    imageWidth: 640,
    ...more,
  });

const readShapes = async (...shapes: unknown[]) => {
  const { pieces, invalid } = await readAll(labelme, join(folderWith({ 'a.json': fileOf(shapes) }), 'a.json'));
  return { annotations: pieces.flatMap((piece) => piece.annotations ?? []), invalid };
};

describe('LabelMe', () => {
  it('reads a folder: images, sizes and flags', async () => {
    const folder = folderWith({
      'json/a.json': fileOf(
        [
          {
            label: 'cat',
            points: [
              [1, 2],
              [3, 4],
            ],
            shape_type: 'rectangle',
          },
        ],
        {
          imagePath: '..\\images\\a.jpg',
          flags: { night: true, rain: false, __proto__: null },
          imageData: 'x'.repeat(3 << 20),
        },
      ),
      'json/b.JSON': fileOf([], { imagePath: '/other/b.jpg', imageWidth: null }),
      'json/c.txt': 'no JSON',
    });
    expect(await readAll(labelme, folder)).toEqual({
      classes: [],
      bytes: expect.any(Number),
      pieces: [
        {
          key: `${folder}/json/a.json`,
          image: {
            name: '..\\images\\a.jpg',
            paths: [`${folder}/json/..\\images\\a.jpg`, `${folder}/images/a.jpg`, `${folder}/json/a.jpg`],
            width: 640,
            height: 480,
          },
          tags: ['night'],
          unit: 'pixels',
          annotations: [{ label: 'cat', bounding_box: [1, 2, 2, 2] }],
        },
        {
          key: `${folder}/json/b.JSON`,
          image: { name: '/other/b.jpg', paths: ['/other/b.jpg', `${folder}/json/b.jpg`] },
          unit: 'pixels',
        },
      ],
      invalid: [],
    });
  });

  it('reads every type of shape', async () => {
    const { annotations, invalid } = await readShapes(
      {
        label: 'p',
        points: [
          [0, 0],
          [4, 0],
          [4, 4],
        ],
        shape_type: 'polygon',
        group_id: 0,
        description: 'left',
        flags: { hidden: true, cut: false },
      },
      {
        label: 'old',
        points: [
          [0, 0],
          [4, 0],
          [4, 4],
        ],
      },
      {
        label: 'r',
        points: [
          [9, 8],
          [1, 2],
        ],
        shape_type: 'rectangle',
      },
      {
        label: 'o',
        points: [
          [2, 0],
          [4, 2],
          [2, 4],
          [0, 2],
        ],
        shape_type: 'oriented_rectangle',
      },
      { label: 'dot', points: [[5, 6]], shape_type: 'point' },
      {
        label: 'l',
        points: [
          [5, 6],
          [7, 8],
        ],
        shape_type: 'line',
      },
      {
        label: 's',
        points: [
          [5, 6],
          [7, 8],
          [9, 9],
        ],
        shape_type: 'linestrip',
      },
      {
        label: 'm',
        points: [
          [5, 6],
          [7, 9],
        ],
        shape_type: 'mask',
        mask: 'iVBORw0KGgo=',
      },
    );
    expect(invalid).toMatchObject([{ reason: 'unsupported', message: expect.stringContaining('pixels of a mask') }]);
    expect(annotations).toEqual([
      {
        label: 'p',
        points: [
          [
            [0, 0],
            [4, 0],
            [4, 4],
          ],
        ],
        attributes: { hidden: true, group_id: 0, description: 'left' },
      },
      {
        label: 'old',
        points: [
          [
            [0, 0],
            [4, 0],
            [4, 4],
          ],
        ],
      },
      { label: 'r', bounding_box: [1, 2, 8, 6] },
      {
        label: 'o',
        points: [
          [
            [2, 0],
            [4, 2],
            [2, 4],
            [0, 2],
          ],
        ],
        oriented: true,
      },
      { label: 'dot', keypoints: [[5, 6, 2]] },
      {
        label: 'l',
        keypoints: [
          [5, 6, 2],
          [7, 8, 2],
        ],
        attributes: { shape_type: 'line' },
      },
      {
        label: 's',
        keypoints: [
          [5, 6, 2],
          [7, 8, 2],
          [9, 9, 2],
        ],
        attributes: { shape_type: 'linestrip' },
      },
      { label: 'm', bounding_box: [5, 6, 2, 3], attributes: { shape_type: 'mask' } },
    ]);
  });

  it('makes a polygon of a circle', async () => {
    const { annotations } = await readShapes({
      label: 'c',
      points: [
        [10, 20],
        [13, 24],
      ],
      shape_type: 'circle',
    });
    const [ring = []] = annotations[0]?.points ?? [];
    expect(ring).toHaveLength(32);
    for (const [x, y] of ring) expect(Math.hypot(x - 10, y - 20)).toBeCloseTo(5);
    expect(new Set(ring.map(([x, y]) => `${x.toFixed(6)} ${y.toFixed(6)}`)).size).toBe(32);
  });

  it('keeps class names as they are', async () => {
    const labels = ['__proto__', '🐈\n', 7, ' x '];
    const { annotations } = await readShapes(
      ...labels.map((label) => ({ label, points: [[1, 1]], shape_type: 'point' })),
    );
    expect(annotations.map(({ label }) => label)).toEqual(['__proto__', '🐈\n', '7', ' x ']);
  });

  it.each([
    [
      {
        label: 'x',
        points: [
          [1, 1],
          [2, 2],
        ],
        shape_type: 'polygon',
      },
      'bad_geometry',
    ],
    [
      {
        label: 'x',
        points: [
          [1, 1],
          [1, 2],
        ],
        shape_type: 'rectangle',
      },
      'bad_geometry',
    ],
    [
      {
        label: 'x',
        points: [
          [1, 1],
          [1, 1],
        ],
        shape_type: 'circle',
      },
      'bad_geometry',
    ],
    [{ label: 'x', points: [[1, 1]], shape_type: 'line' }, 'bad_geometry'],
    [{ label: 'x', points: [[1]], shape_type: 'point' }, 'malformed'],
    [{ label: 'x', points: [['a', 1]], shape_type: 'point' }, 'malformed'],
    [{ label: 'x', points: 'none', shape_type: 'point' }, 'malformed'],
    [{ label: 'x', points: [[1, 1]], shape_type: 'star' }, 'malformed'],
    [null, 'malformed'],
  ])('leaves out the shape %j and keeps the others', async (shape, reason) => {
    const { annotations, invalid } = await readShapes(shape, { label: 'dot', points: [[5, 6]], shape_type: 'point' });
    expect(invalid).toMatchObject([{ reason, message: expect.stringMatching(/^shapes\[0\]: /) }]);
    expect(annotations).toHaveLength(1);
  });

  const BROKEN: [string, string | Uint8Array, string, string][] = [
    ['cut', '{"shapes": [],\n "imagePath"', 'malformed', 'line 2, column 13'],
    ['empty', '', 'malformed', 'line 1, column 1'],
    ['no list of shapes', '{"images": []}', 'malformed', '`shapes`'],
    ['no image', '{"shapes": []}', 'malformed', '`imagePath`'],
    ['Latin-1', Buffer.from('{"shapes": [], "imagePath": "caf\xe9.jpg"}', 'latin1'), 'bad_encoding', 'UTF-8'],
    ['UTF-16', Buffer.from('\uFEFF{"shapes": []}', 'utf16le'), 'bad_encoding', 'UTF-8'],
  ];
  it.each(BROKEN)('tells what is wrong with a file: %s', async (_, content, reason, what) => {
    const folder = folderWith({ 'a.json': content, 'b.json': `\uFEFF${fileOf([])}` });
    await expect(readAll(labelme, join(folder, 'a.json'))).rejects.toMatchObject({
      code: 'AnnotationsBroken',
      message: expect.stringContaining(what),
    });
    const { pieces, invalid } = await readAll(labelme, folder);
    expect(invalid).toMatchObject([{ reason, file: `${folder}/a.json` }]);
    expect(pieces.map(({ key }) => key)).toEqual([`${folder}/b.json`]);
  });

  it('is read on behind every step', async () => {
    const names = Array.from(
      { length: 2_100 },
      (_, n) => [`${n % 7}/${n}.json`, n % 300 === 0 ? '{' : fileOf([])] as const,
    );
    const folder = folderWith(Object.fromEntries(names));
    expect(await expectResumable(labelme, folder)).toHaveLength(3);
    expect(await expectResumable(labelme, join(folder, '1/1.json'))).toHaveLength(1);
  });
});
