import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { maskOfRows } from '../../core/annotations/formats/cvat/mask.ts';
import { cvat } from '../../core/annotations/formats/cvat.ts';
import { formatOf } from '../../core/annotations/formats/index.ts';
import expected from './expected/labelformat.json' with { type: 'json' };
import { expectResumable, folderWith, readAll } from './format-files.ts';

const META =
  '<meta><task><labels>' +
  '<label><name>cat</name><attributes><attribute><name>tame</name><input_type>checkbox</input_type></attribute>' +
  '<attribute><name>age</name><input_type>number</input_type></attribute></attributes></label>' +
  '<label><name>body</name><type>skeleton</type></label>' +
  '<label><name>nose</name><parent>body</parent></label><label><name>tail</name><parent>body</parent></label>' +
  '</labels></task></meta>';
const document = (images: string, meta = META) =>
  `<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>${meta}\n${images}</annotations>\n`;
const image = (shapes: string, attributes = 'id="0" name="a.jpg" width="40" height="20"') =>
  `<image ${attributes}>\n${shapes}\n</image>\n`;

async function read(xml: string | Buffer) {
  return readAll(cvat, join(folderWith({ 'annotations.xml': xml }), 'annotations.xml'));
}

/** What the shapes of one image become. */
async function shapesOf(shapes: string, meta?: string) {
  const { pieces, invalid } = await read(document(image(shapes), meta));
  return { annotations: pieces[0]?.annotations, invalid: invalid.map(({ reason, line }) => [reason, line]) };
}

it('agrees with labelformat on boxes', async () => {
  const { pieces } = await read(expected.cvat.xml);
  expect(
    pieces[0]?.annotations?.map(({ label, bounding_box: [x, y, w, h] = [0, 0, 0, 0] }) => ({
      label,
      xyxy: [x, y, x + w, y + h],
    })),
  ).toEqual(expected.cvat.objects);
});

it('reads images with their subsets, and declares labels once', async () => {
  const { pieces, classes, invalid } = await read(
    document(
      image('', 'id="0" name="sub/a.jpg" subset="Validation" width="40" height="20"') +
        image('', 'id="0" task_id="2" name="../b.jpg" subset="default"') +
        image('', 'id="1" name="c.jpg" subset="mine" width="1e3" height="0"') +
        image('', 'id="2"'),
    ),
  );
  expect(pieces.map(({ image, split, unit }) => ({ image, split, unit }))).toEqual([
    { image: { name: 'sub/a.jpg', width: 40, height: 20 }, split: 'val', unit: 'pixels' },
    { image: { name: '../b.jpg' }, split: undefined, unit: 'pixels' },
    { image: { name: 'c.jpg' }, split: 'mine', unit: 'pixels' },
  ]);
  expect(new Set(pieces.map(({ key }) => key)).size).toBe(3);
  expect(classes).toEqual([{ name: 'cat' }, { name: 'body', keypoints: ['nose', 'tail'] }]);
  expect(invalid).toMatchObject([{ reason: 'malformed' }]);
});

describe('shapes', () => {
  it('reads boxes, polygons, lines, points and tags', async () => {
    const { annotations, invalid } = await shapesOf(
      '<box label="cat" xtl="1.5" ytl="2" xbr="3" ybr="6" occluded="1" z_order="3" source="manual"/>' +
        '<polygon label="cat" points="0,0;4,0;4,3.5"/>' +
        '<polyline label="cat" points="0,0;4,0"/>' +
        '<points label="cat" points="1,2;3,4"/>' +
        '<tag label="cat" source="manual"><attribute name="tame">true</attribute><attribute name="age">3</attribute>' +
        '<attribute name="__proto__">x</attribute></tag>',
    );
    expect(invalid).toEqual([]);
    expect(annotations?.slice(0, 4)).toEqual([
      { label: 'cat', bounding_box: [1.5, 2, 1.5, 4], attributes: { occluded: true } },
      {
        label: 'cat',
        points: [
          [
            [0, 0],
            [4, 0],
            [4, 3.5],
          ],
        ],
      },
      { label: 'cat', attributes: { polyline: '0,0;4,0' } },
      {
        label: 'cat',
        keypoints: [
          [1, 2, 2],
          [3, 4, 2],
        ],
      },
    ]);
    expect(Object.entries(annotations?.[4]?.attributes ?? {})).toEqual([
      ['tame', true],
      ['age', 3],
      ['__proto__', 'x'],
    ]);
  });

  it('turns boxes clockwise around their centre', async () => {
    const { annotations } = await shapesOf(
      '<box label="cat" xtl="10" ytl="5" xbr="20" ybr="9" rotation="90"/><box label="cat" xtl="10" ytl="5" xbr="20" ybr="9" rotation="360"/>',
    );
    expect(annotations?.[0]?.oriented).toBe(true);
    // What was the top left is now the top right.
    const corners = [
      [17, 2],
      [17, 12],
      [13, 12],
      [13, 2],
    ];
    for (const [index, [x = 0, y = 0]] of corners.entries()) {
      expect(annotations?.[0]?.points?.[0]?.[index]?.[0]).toBeCloseTo(x, 9);
      expect(annotations?.[0]?.points?.[0]?.[index]?.[1]).toBeCloseTo(y, 9);
    }
    expect(annotations?.[1]).toEqual({ label: 'cat', bounding_box: [10, 5, 10, 4] });
  });

  it('reads skeletons in the order of declaration', async () => {
    const { annotations, invalid } = await shapesOf(
      '<skeleton label="body"><points label="tail" outside="0" occluded="1" points="3,4"/><points label="nose" outside="0" occluded="0" points="1,2"/></skeleton>' +
        '<skeleton label="body"><points label="tail" outside="1" occluded="0" points="3,4"/></skeleton>\n' +
        '<skeleton label="body"><points label="ear" points="3,4"/></skeleton>',
    );
    expect(annotations?.map(({ keypoints }) => keypoints)).toEqual([
      [
        [1, 2, 2],
        [3, 4, 1],
      ],
      [
        [0, 0, 0],
        [0, 0, 0],
      ],
    ]);
    expect(invalid).toEqual([['unknown_reference', 6]]);
  });

  it('converts masks to those of the whole picture', async () => {
    // Rows of the box: 011 and 110.
    const { annotations } = await shapesOf('<mask label="cat" rle="1, 4, 1" left="2" top="3" width="3" height="2"/>');
    const [{ mask } = {}] = annotations ?? [];
    expect(mask?.size).toEqual([20, 40]);
    const pixels = pixelsOf(mask?.counts ?? '', 20);
    expect(pixels).toEqual(['2,4', '3,3', '3,4', '4,3']);
  });

  it('leaves out shapes that it can not read, and says why', async () => {
    const shapes = [
      ['<box label="dog" xtl="1" ytl="2" xbr="3" ybr="6"/>', 'unknown_reference'],
      ['<box xtl="1" ytl="2" xbr="3" ybr="6"/>', 'malformed'],
      ['<box label="cat" xtl="one" ytl="2" xbr="3" ybr="6"/>', 'malformed'],
      ['<box label="cat" xtl="3" ytl="2" xbr="3" ybr="6"/>', 'bad_geometry'],
      ['<box label="cat" xtl="nan" ytl="2" xbr="3" ybr="6"/>', 'bad_geometry'],
      ['<polygon label="cat" points="0,0;4,0"/>', 'malformed'],
      ['<polygon label="cat" points="0,0;4;1,1"/>', 'malformed'],
      ['<polygon label="cat" points="0,0;4,inf;1,1"/>', 'bad_geometry'],
      ['<cuboid label="cat" xtl1="0"/>', 'unsupported'],
      ['<ellipse label="cat" cx="5" cy="5" rx="2" ry="1"/>', 'unsupported'],
      ['<mask label="cat" rle="1, 3" left="2" top="3" width="3" height="2"/>', 'malformed'],
      ['<mask label="cat" rle="1, -1, 6" left="2" top="3" width="3" height="2"/>', 'malformed'],
      ['<mask label="cat" rle="6" left="2" top="3" width="3" height="2"/>', 'bad_geometry'],
      ['<mask label="cat" rle="0, 6" left="38" top="3" width="3" height="2"/>', 'bad_geometry'],
      ['<mask label="cat" rle="0, 6" left="0" top="-1" width="3" height="2"/>', 'bad_geometry'],
    ] as const;
    const { annotations, invalid } = await shapesOf(shapes.map(([xml]) => xml).join('\n'));
    expect(annotations).toEqual([]);
    expect(invalid).toEqual(shapes.map(([, reason], index) => [reason, index + 5]));
  });

  it('takes any label if none is declared, and needs the size of the picture for a mask', async () => {
    expect((await shapesOf('<tag label="any"/>', '')).annotations).toEqual([{ label: 'any' }]);
    const { invalid } = await read(
      document(image('<mask label="cat" rle="0, 1" left="0" top="0" width="1" height="1"/>', 'name="a"')),
    );
    expect(invalid).toMatchObject([{ reason: 'unknown_size' }]);
  });
});

/** The set pixels of COCO's compressed counts as x,y, row by row. Written for short runs alone. */
function pixelsOf(counts: string, height: number): string[] {
  const runs: number[] = [];
  for (let at = 0; at < counts.length; ) {
    let value = 0;
    let shift = 0;
    let code = 0;
    do {
      code = counts.charCodeAt(at++) - 48;
      value |= (code & 31) << shift;
      shift += 5;
    } while (code & 32);
    if (code & 16) value |= -1 << shift;
    runs.push(runs.length > 2 ? value + (runs.at(-2) ?? 0) : value);
  }
  const pixels: string[] = [];
  let position = 0;
  for (const [index, run] of runs.entries())
    for (const end = position + run; position < end; position++)
      if (index % 2 === 1) pixels.push(`${Math.floor(position / height)},${position % height}`);
  return pixels.toSorted();
}

it('keeps every pixel of masks of any place and shape', () => {
  const size: [number, number] = [7, 6];
  for (const box of [
    [0, 0, 6, 7],
    [0, 0, 6, 3],
    [2, 0, 3, 7],
    [5, 6, 1, 1],
    [0, 4, 2, 3],
    [3, 2, 3, 5],
  ] as const) {
    const [left, top, width, height] = box;
    for (const first of [0, 1]) {
      // Runs of 1, 2, 3, … along the rows.
      const runs: number[] = first === 0 ? [] : [0];
      const pixels: string[] = [];
      let position = 0;
      for (let run = 1; position < width * height; run++) {
        const length = Math.min(run, width * height - position);
        if (runs.length % 2 === 1)
          for (let at = position; at < position + length; at++)
            pixels.push(`${left + (at % width)},${top + Math.floor(at / width)}`);
        runs.push(length);
        position += length;
      }
      expect(pixelsOf(maskOfRows(runs, box, size).counts, 7)).toEqual(pixels.toSorted());
    }
  }
});

describe('broken and hostile files', () => {
  it.each([
    [
      'an XML bomb',
      '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><annotations>&b;</annotations>',
      /line 1.*DOCTYPE/,
    ],
    ['an external entity', '<!DOCTYPE a SYSTEM "http://localhost/x"><annotations/>', /DOCTYPE/],
    ['a cut file', document(image('')).slice(0, -20), /line 6/],
    ['an empty file', '', /no element/],
    ['another root', '<annotation/>', /<annotation>/],
    ['a video', document('<track id="0" label="cat"></track>'), /CVAT for images/],
    ['Latin-1', Buffer.from(document(image('', 'name="caf\xe9"')), 'latin1'), /UTF-8/],
    ['depth', document(image('<a>'.repeat(1000))), /deep/],
    ['an endless image', document(image('x'.repeat(33 << 20))), /bytes/],
  ])('refuses %s', async (_, xml, message) => {
    await expect(read(xml)).rejects.toMatchObject({
      code: 'AnnotationsBroken',
      message: expect.stringMatching(message),
    });
  });

  it('fails at a file that is not there', async () => {
    const folder = folderWith({ x: '' });
    await expect(readAll(formatOf('cvat'), join(folder, 'none.xml'))).rejects.toMatchObject({
      code: 'AnnotationsNotFound',
    });
  });

  it('reads an attribute that is longer than the pieces in which a file is read', async () => {
    const points = Array.from({ length: 300_000 }, (_, index) => `${index % 40},${index % 20}`).join(';');
    const { annotations } = await shapesOf(`<polygon label="cat" points="${points}"/>`);
    expect(annotations?.[0]?.points?.[0]).toHaveLength(300_000);
  });
});

it('goes on behind each step, whatever comments and names hold', async () => {
  const images: string[] = [];
  for (let index = 0; index < 3500; index++) {
    const shapes = index % 10 === 0 ? '<!-- <image id="x" name="no"/> -->\n<box label="dog"/>' : '<tag label="cat"/>';
    images.push(
      `${index % 7 === 0 ? '<!-- before <image -->' : ''}${image(shapes, `id="${index}" name="é🐈${index}.jpg"`)}`,
    );
  }
  const folder = folderWith({ 'annotations.xml': `\ufeff${document(`<!-- <image -->${images.join('')}`)}` });
  expect((await expectResumable(cvat, folder)).length).toBeGreaterThanOrEqual(3);
  const { pieces, invalid, bytes } = await readAll(cvat, folder);
  expect(pieces).toHaveLength(3500);
  expect(invalid).toHaveLength(350);
  expect(bytes).toBeGreaterThan(100_000);
});
