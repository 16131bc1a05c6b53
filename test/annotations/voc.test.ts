import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { voc } from '../../core/annotations/formats/voc.ts';
import expected from './expected/labelformat.json' with { type: 'json' };
import { expectResumable, folderWith, readAll } from './format-files.ts';

const box = (xmin: unknown, ymin: unknown, xmax: unknown, ymax: unknown) =>
  `<bndbox><xmin>${xmin}</xmin><ymin>${ymin}</ymin><xmax>${xmax}</xmax><ymax>${ymax}</ymax></bndbox>`;
const object = (inner: string, name = 'cat') => `<object><name>${name}</name>${inner}</object>`;
const annotation = (inner: string) => `<annotation>${inner}</annotation>`;

/** What one file becomes. */
async function fileOf(xml: string | Buffer) {
  const folder = folderWith({ 'a.xml': xml });
  const found = await readAll(voc, folder);
  return { piece: found.pieces[0], invalid: found.invalid.map(({ reason, line }) => [reason, line]) };
}

describe('images', () => {
  it('reads a devkit: images in JPEGImages, and splits', async () => {
    const folder = folderWith({
      'Annotations/2008_1.xml': annotation(
        `<folder>VOC</folder><filename>2008_1.jpg</filename><size><width>500</width><height>375</height></size>${object(box(1, 2, 3, 4))}`,
      ),
      'Annotations/sub/b.xml': annotation('<filename>b.png</filename>'),
      'ImageSets/Main/train.txt': '2008_1 \r\n',
      'ImageSets/Main/val.txt': 'b\n',
      'ImageSets/Main/trainval.txt': '2008_1\nb\n',
    });
    const { pieces, classes, bytes } = await readAll(voc, folder);
    expect(pieces).toMatchObject([
      {
        key: '2008_1',
        image: { name: '2008_1.jpg', width: 500, height: 375 },
        unit: 'pixels',
        split: 'train',
        annotations: [{ label: 'cat', bounding_box: [1, 2, 2, 2] }],
      },
      { key: 'sub/b', split: 'val', annotations: [] },
    ]);
    expect(pieces[0]?.image?.paths?.slice(0, 3)).toEqual([
      join(folder, 'JPEGImages/2008_1.jpg'),
      join(folder, 'Annotations/2008_1.jpg'),
      join(folder, 'images/2008_1.jpg'),
    ]);
    expect(pieces[1]?.image?.paths?.[0]).toBe(join(folder, 'JPEGImages/sub/b.png'));
    expect(classes).toEqual([]);
    expect(bytes).toBeGreaterThan(100);
    expect((await readAll(voc, join(folder, 'Annotations'))).pieces).toEqual(pieces);
    expect((await readAll(voc, join(folder, 'Annotations/2008_1.xml'))).pieces).toEqual([pieces[0]]);
  });

  it.each([
    ['', 'a', 'a'],
    ['<filename>C:\\data\\x.png</filename>', 'C:\\data\\x.png', 'x.png'],
    ['<path>C:\\data\\x.png</path>', 'x.png', 'x.png'],
    ['<filename>../../etc/x.png</filename>', '../../etc/x.png', 'x.png'],
    ['<filename>/home/me/x.png</filename>', '/home/me/x.png', 'x.png'],
    ['<filename>x</filename>', 'x', 'x'],
  ])('names the image of %j', async (inner, name, first) => {
    const folder = folderWith({ 'a.xml': annotation(inner) });
    const image = (await readAll(voc, folder)).pieces[0]?.image;
    expect(image?.name).toBe(name);
    expect(image?.paths?.[0]).toBe(join(folder, 'JPEGImages', first));
    // The name of the XML file itself is the last resort.
    expect(image?.paths).toContain(join(folder, 'a'));
    // Its extension may be another.
    if (name !== 'a') expect(image?.paths).toContain(join(folder, 'x'));
    expect(image?.anyExtension).toBe(true);
    for (const path of image?.paths ?? []) expect(path).not.toContain('..');
  });

  it('leaves out a size of 0', async () => {
    const { piece } = await fileOf(annotation('<size><width>0</width><height>0</height></size>'));
    expect(piece?.image).not.toHaveProperty('width');
  });
});

describe('objects', () => {
  it('agrees with labelformat on boxes', async () => {
    const { piece } = await fileOf(expected.voc.xml);
    expect(
      piece?.annotations?.map(({ label, bounding_box: [x, y, w, h] = [0, 0, 0, 0] }) => ({
        label,
        xyxy: [x, y, x + w, y + h],
      })),
    ).toEqual(expected.voc.objects);
  });

  it('reads attributes, polygons, entities and CDATA', async () => {
    const { piece } = await fileOf(
      annotation(
        object(
          `<pose>Left</pose><truncated>1</truncated><difficult>0</difficult><occluded>no</occluded>${box(0.5, 1.5, 10.5, 20)}`,
          'a &amp; <![CDATA[<b>]]>',
        ) + object('<polygon><x1>1</x1><y1>2</y1><x2>3</x2><y2>2</y2><x3>3</x3><y3>5</y3></polygon>', '__proto__'),
      ),
    );
    expect(piece?.annotations).toEqual([
      {
        label: 'a & <b>',
        bounding_box: [0.5, 1.5, 10, 18.5],
        attributes: { pose: 'Left', truncated: true, difficult: false, occluded: 'no' },
      },
      {
        label: '__proto__',
        points: [
          [
            [1, 2],
            [3, 2],
            [3, 5],
          ],
        ],
      },
    ]);
  });

  it('takes the box of the object, not that of its parts', async () => {
    const part = `<part><name>head</name>${box(1, 1, 2, 2)}</part>`;
    const { piece } = await fileOf(annotation(object(`${part}${box(0, 0, 10, 10)}`, 'person')));
    expect(piece?.annotations).toEqual([{ label: 'person', bounding_box: [0, 0, 10, 10] }]);
  });

  it('leaves out objects that it can not read, and says why', async () => {
    const objects = [
      [object(box(1, 1, 1, 2)), 'bad_geometry'],
      [object(box(5, 1, 1, 2)), 'bad_geometry'],
      [object(box('nan', 1, 1, 2)), 'bad_geometry'],
      [object(box('1e999', 1, 1, 2)), 'bad_geometry'],
      [object(box('one', 1, 1, 2)), 'malformed'],
      [object('<bndbox><xmin>1</xmin></bndbox>'), 'malformed'],
      [object(''), 'malformed'],
      [`<object>${box(1, 1, 2, 2)}</object>`, 'malformed'],
      [object('<polygon><x1>1</x1><y1>2</y1></polygon>'), 'malformed'],
    ] as const;
    const { piece, invalid } = await fileOf(
      annotation(`\n${objects.map(([xml]) => xml).join('\n')}\n${object(box(0, 0, 1, 1))}`),
    );
    expect(invalid).toEqual(objects.map(([, reason], index) => [reason, index + 2]));
    expect(piece?.annotations).toHaveLength(1);
  });
});

describe('broken and hostile files', () => {
  const entities = Array.from({ length: 9 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join('');
  it.each([
    [
      'an XML bomb',
      `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "lol">${entities}]>${annotation(object(box(1, 1, 2, 2), '&l9;'))}`,
      'malformed',
    ],
    [
      'an external entity',
      `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>${annotation('<filename>&x;</filename>')}`,
      'malformed',
    ],
    ['an entity of HTML', annotation('<filename>&eacute;.jpg</filename>'), 'malformed'],
    ['elements without end', `<annotation>${'<a>'.repeat(100_000)}`, 'malformed'],
    ['a cut file', '<annotation><object>', 'malformed'],
    ['an empty file', '', 'malformed'],
    ['text', 'cat', 'malformed'],
    ['another root', '<annotations/>', 'malformed'],
    ['two roots', '<annotation/><annotation/>', 'malformed'],
    ['Latin-1', Buffer.from(annotation(object(box(1, 1, 2, 2), 'caf\xe9')), 'latin1'), 'bad_encoding'],
    ['UTF-16', Buffer.from(`\ufeff${annotation('')}`, 'utf16le'), 'bad_encoding'],
    ['too many elements', annotation('<a/>'.repeat(600_000)), 'malformed'],
    ['a large file', annotation(' '.repeat(9 << 20)), 'unreadable_file'],
  ])('reads the other files beside %s', async (_, xml, reason) => {
    const folder = folderWith({ 'a.xml': xml, 'b.xml': annotation('') });
    const { pieces, invalid } = await readAll(voc, folder);
    expect(pieces.map(({ key }) => key)).toEqual(['b']);
    expect(invalid).toMatchObject([{ reason, file: join(folder, 'a.xml') }]);
    await expect(readAll(voc, join(folder, 'a.xml'))).rejects.toMatchObject({ code: 'AnnotationsBroken' });
  });

  it('skips a byte order mark and passes over pipes and folders', async () => {
    const folder = folderWith({ 'a.xml': `\ufeff<?xml version="1.0" encoding="utf-8"?>\r\n${annotation('')}` });
    execFileSync('mkfifo', [join(folder, 'pipe.xml')]);
    await mkdir(join(folder, 'folder.xml'));
    expect(await readAll(voc, folder)).toMatchObject({ pieces: [{ key: 'a' }], invalid: [] });
    await expect(readAll(voc, join(folder, 'pipe.xml'))).rejects.toMatchObject({
      code: 'AnnotationsNotFound',
    });
  });
});

it('goes on behind each step', async () => {
  const contents: Record<string, string> = {};
  for (let index = 0; index < 2100; index++)
    contents[`Annotations/${index}.xml`] = annotation(index % 5 ? object(box(0, 0, index, 5)) : object(''));
  const folder = folderWith(contents);
  expect((await expectResumable(voc, folder)).length).toBeGreaterThanOrEqual(3);
  expect((await expectResumable(voc, join(folder, 'Annotations/1.xml'))).length).toBeGreaterThanOrEqual(1);
});
