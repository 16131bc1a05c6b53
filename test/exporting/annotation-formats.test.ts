import { describe, expect, it } from 'vitest';
import type { Annotation } from '../../contract/annotation.ts';
import { exportSamples } from '../../core/exporting/export-samples.ts';
import { exported, fileSample, filesOf, newFolder, requestFor, sampleOf, streamOf } from './support/exports.ts';

const box: Annotation = { label: 'cat', bounding_box: [0.1, 0.2, 0.3, 0.4] };
const SQUARE: [number, number][] = [
  [0.1, 0.1],
  [0.5, 0.1],
  [0.5, 0.5],
  [0.1, 0.5],
];
const HOLE: [number, number][] = [
  [0.2, 0.2],
  [0.4, 0.2],
  [0.4, 0.4],
  [0.2, 0.4],
];
const ASIDE: [number, number][] = [
  [0.6, 0.6],
  [0.9, 0.6],
  [0.9, 0.9],
];

describe('COCO', () => {
  const objectsOf = async (annotations: Annotation[], classes = [{ name: 'cat' }]) => {
    const { text } = await exported([sampleOf(7, 'a.jpg', { annotations })], 'coco', { classes });
    return JSON.parse(text('annotations/instances.json') ?? '');
  };

  it('writes a file for each split with pixels of the displayed picture, and numbers that differ in all of them', async () => {
    const { files, text, counts } = await exported(
      [
        sampleOf(3, 'a.jpg', { split: 'train', annotations: [box], tags: ['night'] }),
        sampleOf(5, 'b/b.jpg', { split: 'val', annotations: [{ ...box, label: 'dog', confidence: 0.5 }] }),
      ],
      'coco',
      { classes: [{ name: 'cat', id: 17, supercategory: 'animal' }] },
    );
    const categories = [
      { id: 17, name: 'cat', supercategory: 'animal' },
      { id: 18, name: 'dog' },
    ];
    expect([...files.keys()].sort()).toEqual([
      '.plimsoll-export.json',
      'annotations/instances_train.json',
      'annotations/instances_val.json',
    ]);
    expect(JSON.parse(text('annotations/instances_train.json') ?? '')).toEqual({
      info: { description: 'pets' },
      images: [{ id: 3, file_name: 'a.jpg', width: 200, height: 100, tags: ['night'] }],
      annotations: [{ id: 1, image_id: 3, category_id: 17, bbox: [20, 20, 60, 40], area: 2400, iscrowd: 0 }],
      categories,
    });
    expect(JSON.parse(text('annotations/instances_val.json') ?? '')).toEqual({
      info: { description: 'pets' },
      images: [{ id: 5, file_name: 'b/b.jpg', width: 200, height: 100 }],
      annotations: [
        { id: 2, image_id: 5, category_id: 18, bbox: [20, 20, 60, 40], area: 2400, iscrowd: 0, score: 0.5 },
      ],
      categories,
    });
    expect(counts).toMatchObject({ samples: 2, annotations: 2, images: 0, renamed: 0, skipped_samples: {} });
  });

  it('counts categories from 1 where numbers are missing or equal', async () => {
    for (const classes of [
      [
        { name: 'cat', id: 4 },
        { name: 'dog', id: 4 },
      ],
      [{ name: 'cat', id: 4 }, { name: 'dog' }],
    ]) {
      const { text } = await exported([], 'coco', { classes });
      expect(JSON.parse(text('annotations/instances.json') ?? '')).toMatchObject({
        images: [],
        categories: [
          { id: 1, name: 'cat' },
          { id: 2, name: 'dog' },
        ],
      });
    }
  });

  it('writes parts of a polygon as polygons, and one with a hole as a mask', async () => {
    const { annotations } = await objectsOf([
      { label: 'cat', points: [SQUARE, ASIDE] },
      { label: 'cat', points: [SQUARE, HOLE] },
    ]);
    expect(annotations[0]).toMatchObject({
      segmentation: [
        [20, 10, 100, 10, 100, 50, 20, 50],
        [120, 60, 180, 60, 180, 90],
      ],
      bbox: [20, 10, 160, 80],
      iscrowd: 0,
    });
    expect(annotations[1].segmentation).toEqual({ size: [100, 200], counts: expect.any(String) });
    expect(annotations[1].area).toBe(80 * 40 - 40 * 20);
  });

  it('writes a crowd as a mask', async () => {
    const { annotations } = await objectsOf([{ label: 'cat', points: [SQUARE], iscrowd: true }]);
    expect(annotations[0]).toMatchObject({ iscrowd: 1, area: 3200, segmentation: { size: [100, 200] } });
  });

  it('keeps masks as they are, with the box around them', async () => {
    // 2 rows, 4 columns: the second and the third column are set.
    const { annotations } = await objectsOf([{ label: 'cat', mask: { size: [2, 4], counts: '242' } }]);
    expect(annotations[0]).toEqual({
      id: 1,
      image_id: 7,
      category_id: 1,
      bbox: [50, 0, 100, 100],
      area: 10_000,
      segmentation: { size: [2, 4], counts: '242' },
      iscrowd: 0,
    });
  });

  it('writes keypoints, and a skeleton that counts from 1', async () => {
    const { text } = await exported(
      [
        sampleOf(1, 'a.jpg', {
          annotations: [
            {
              label: 'cat',
              keypoints: [
                [0.1, 0.2, 2],
                [0.3, 0.6, 1],
                [0, 0, 0],
              ],
            },
          ],
        }),
      ],
      'coco',
      {
        classes: [
          {
            name: 'cat',
            keypoints: ['nose', 'tail', 'paw'],
            skeleton: [
              [0, 1],
              [1, 2],
            ],
          },
        ],
      },
    );
    const { annotations, categories } = JSON.parse(text('annotations/instances.json') ?? '');
    expect(annotations[0]).toMatchObject({ keypoints: [20, 20, 2, 60, 60, 1, 0, 0, 0], num_keypoints: 2 });
    expect(annotations[0].bbox).toEqual([20, 20, expect.closeTo(40), expect.closeTo(40)]);
    expect(categories).toEqual([
      {
        id: 1,
        name: 'cat',
        keypoints: ['nose', 'tail', 'paw'],
        skeleton: [
          [1, 2],
          [2, 3],
        ],
      },
    ]);
  });

  it('keeps captions of pictures apart, and those of objects with them', async () => {
    const { text, counts } = await exported(
      [
        sampleOf(1, 'a.jpg', {
          annotations: [{ caption: 'A cat.' }, { caption: 'It sleeps.' }, { ...box, caption: 'it' }],
        }),
        sampleOf(2, 'b.jpg'),
      ],
      'coco',
    );
    expect(JSON.parse(text('annotations/captions.json') ?? '')).toEqual({
      info: { description: 'pets' },
      images: [{ id: 1, file_name: 'a.jpg', width: 200, height: 100 }],
      annotations: [
        { id: 1, image_id: 1, caption: 'A cat.' },
        { id: 2, image_id: 1, caption: 'It sleeps.' },
      ],
    });
    expect(JSON.parse(text('annotations/instances.json') ?? '')).toMatchObject({
      images: [{ id: 1 }, { id: 2 }],
      annotations: [{ id: 3, caption: 'it' }],
    });
    expect(counts.annotations).toBe(3);
  });

  it('leaves out samples of unknown size and objects without a class, and says so', async () => {
    const unknown = sampleOf(1, 'a.jpg');
    delete unknown.width;
    const { counts } = await exported(
      [unknown, sampleOf(2, 'b.jpg', { annotations: [{ bounding_box: [0, 0, 1, 1] }] })],
      'coco',
    );
    expect(counts).toMatchObject({
      samples: 1,
      annotations: 0,
      skipped_samples: { unknown_size: 1 },
      skipped_annotations: { no_class: 1 },
    });
  });

  it('keeps classes with any name', async () => {
    const names = ['__proto__', 'constructor', '🦊\n"x"'];
    const { text } = await exported(
      [sampleOf(1, 'a.jpg', { annotations: names.map((label) => ({ ...box, label })) })],
      'coco',
    );
    const { annotations, categories } = JSON.parse(text('annotations/instances.json') ?? '');
    expect(categories).toEqual(names.map((name, index) => ({ id: index + 1, name })));
    expect(annotations.map(({ category_id }: { category_id: number }) => category_id)).toEqual([1, 2, 3]);
  });
});

describe('YOLO', () => {
  it('writes a label file for each image, background too, and the classes in their order', async () => {
    const { files, text, counts } = await exported(
      [
        sampleOf(1, 'a.jpg', { annotations: [{ ...box, label: 'dog' }, box] }),
        sampleOf(2, 'deep/b.png', { split: 'val' }),
      ],
      'yolo',
      { classes: [{ name: 'cat' }] },
    );
    expect([...files.keys()].sort()).toEqual([
      '.plimsoll-export.json',
      'data.yaml',
      'labels/train/a.txt',
      'labels/val/deep/b.txt',
    ]);
    expect(text('labels/train/a.txt')).toBe('1 0.25 0.4 0.3 0.4\n0 0.25 0.4 0.3 0.4\n');
    expect(text('labels/val/deep/b.txt')).toBe('');
    expect(text('data.yaml')).toBe('path: .\ntrain: images/train\nval: images/val\nnames:\n  0: "cat"\n  1: "dog"\n');
    expect(counts).toMatchObject({ samples: 2, annotations: 2 });
  });

  it('writes polygons: a line for each part, without holes', async () => {
    const annotations = [{ label: 'cat', points: [SQUARE, HOLE, ASIDE] }];
    const { text, counts } = await exported([sampleOf(1, 'a.jpg', { annotations })], 'yolo');
    expect(text('labels/train/a.txt')).toBe('0 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n0 0.6 0.6 0.9 0.6 0.9 0.9\n');
    expect(counts).toMatchObject({ annotations: 1, simplified: 1 });
  });

  it('writes oriented boxes', async () => {
    const corners: [number, number][] = [
      [0.5, 0.1],
      [0.9, 0.5],
      [0.5, 0.9],
      [0.1, 0.5],
    ];
    const oriented: Annotation = { label: 'ship', points: [corners], oriented: true };
    const { text } = await exported([sampleOf(1, 'a.jpg', { annotations: [oriented] })], 'yolo');
    expect(text('labels/train/a.txt')).toBe('0 0.5 0.1 0.9 0.5 0.5 0.9 0.1 0.5\n');
  });

  it('writes skeletons of one length, with the names of their positions', async () => {
    const annotations: Annotation[] = [
      {
        ...box,
        keypoints: [
          [0.1, 0.2, 2],
          [0.3, 0.4, 1],
        ],
      },
      { ...box, keypoints: [[0.1, 0.2, 2]] },
      {
        ...box,
        keypoints: [
          [0, 0, 1],
          [0, 0, 1],
          [0, 0, 1],
        ],
      },
    ];
    const { text, counts } = await exported([sampleOf(1, 'a.jpg', { annotations })], 'yolo', {
      classes: [{ name: 'cat', keypoints: ['nose', 'no'] }],
    });
    expect(text('labels/train/a.txt')).toBe(
      '0 0.25 0.4 0.3 0.4 0.1 0.2 2 0.3 0.4 1\n0 0.25 0.4 0.3 0.4 0.1 0.2 2 0 0 0\n',
    );
    expect(text('data.yaml')).toContain('kpt_shape: [2, 3]\nkpt_names:\n  0: ["nose", "no"]\n');
    expect(counts.skipped_annotations).toEqual({ keypoint_count: 1 });
  });

  it('asks for the task where annotations are of several kinds, before it writes anything', async () => {
    const samples = [
      sampleOf(1, 'a.jpg', { annotations: [box] }),
      sampleOf(2, 'b.jpg', { annotations: [{ label: 'cat', points: [SQUARE] }] }),
    ];
    const folder = await newFolder();
    const attempt = exportSamples(streamOf(samples), requestFor(folder, 'yolo'));
    await expect(attempt).rejects.toMatchObject({
      code: 'ExportNotWritable',
      message: expect.stringContaining('--task'),
    });
    expect(await filesOf(folder)).toEqual(new Map());

    const { text } = await exported(samples, 'yolo', { task: 'detect' });
    expect(text('labels/train/b.txt')).toBe('0 0.30000000000000004 0.30000000000000004 0.4 0.4\n');
    const { counts } = await exported(samples, 'yolo', { task: 'segment' });
    expect(counts).toMatchObject({ annotations: 1, skipped_annotations: { other_kind: 1 } });
  });

  it('writes classes of whole pictures as folders', async () => {
    const root = await newFolder();
    const sample = await fileSample(root, 1, 'a.jpg', 'a', { annotations: [{ label: 'cat' }] });
    const { files } = await exported([sample], 'yolo', { images: 'copy' });
    expect([...files.keys()].sort()).toEqual(['.plimsoll-export.json', 'train/cat/a.jpg']);
  });

  it('writes names that YAML takes for something else, and any characters', async () => {
    const classes = ['no', '1', '', '__proto__', 'a: b # c', '🦊\n\u0085\u007f'].map((name) => ({ name }));
    const { text } = await exported([sampleOf(1, 'a.jpg')], 'yolo', { classes });
    expect(text('data.yaml')).toBe(
      'path: .\ntrain: images/train\nnames:\n  0: "no"\n  1: "1"\n  2: ""\n  3: "__proto__"\n  4: "a: b # c"\n' +
        '  5: "🦊\\n\\u0085\\u007f"\n',
    );
  });
});

describe('Pascal VOC', () => {
  it('writes a file for each image and a list for each split', async () => {
    const { text, files } = await exported(
      [
        sampleOf(1, 'a.jpg', {
          split: 'train',
          annotations: [{ ...box, confidence: 0.5, attributes: { difficult: true, pose: 'Left', colour: 'a&b' } }],
        }),
        sampleOf(2, 'b/c d.png', { split: 'train', annotations: [{ label: 'x', points: [ASIDE] }] }),
        sampleOf(3, 'z.jpg'),
      ],
      'voc',
    );
    expect([...files.keys()].sort()).toEqual([
      '.plimsoll-export.json',
      'Annotations/a.xml',
      'Annotations/b/c d.xml',
      'Annotations/z.xml',
      'ImageSets/Main/train.txt',
    ]);
    expect(text('ImageSets/Main/train.txt')).toBe('a\nb/c d\n');
    expect(text('Annotations/a.xml')).toBe(`<annotation>
  <filename>a.jpg</filename>
  <source><database>pets</database></source>
  <size><width>200</width><height>100</height><depth>3</depth></size>
  <segmented>0</segmented>
  <object>
    <name>cat</name>
    <pose>Left</pose>
    <truncated>0</truncated>
    <difficult>1</difficult>
    <bndbox><xmin>20</xmin><ymin>20</ymin><xmax>80</xmax><ymax>60.00000000000001</ymax></bndbox>
    <confidence>0.5</confidence>
    <attributes><attribute><name>colour</name><value>a&amp;b</value></attribute></attributes>
  </object>
</annotation>
`);
    expect(text('Annotations/b/c d.xml')).toContain(
      '<bndbox><xmin>120</xmin><ymin>60</ymin><xmax>180</xmax><ymax>90</ymax></bndbox>\n    ' +
        '<polygon><x1>120</x1><y1>60</y1><x2>180</x2><y2>60</y2><x3>180</x3><y3>90</y3></polygon>',
    );
  });

  it('escapes text, and leaves out what XML has no escape for', async () => {
    const labels = ['<&>"\'', '🦊\r\n\t', 'bell\u0007'];
    const { text, counts } = await exported(
      [
        sampleOf(1, 'a.jpg', { annotations: labels.map((label) => ({ ...box, label })) }),
        sampleOf(2, 'line\nbreak.jpg'),
        sampleOf(3, ' space.jpg'),
        sampleOf(4, 'bell\u0007.jpg'),
      ],
      'voc',
    );
    expect(text('Annotations/a.xml')?.match(/<name>.*?<\/name>/gs)).toEqual([
      '<name>&lt;&amp;&gt;"\'</name>',
      '<name>🦊&#13;&#10;&#9;</name>',
    ]);
    expect(counts).toMatchObject({
      samples: 1,
      skipped_samples: { unwritable_name: 3 },
      skipped_annotations: { unwritable_class: 1 },
    });
  });
});

describe('folders of classes', () => {
  it('hold a copy of each picture', async () => {
    const root = await newFolder();
    const { files, counts } = await exported(
      [
        await fileSample(root, 1, 'x/a.jpg', 'A', { split: 'train', annotations: [{ label: 'cat' }] }),
        await fileSample(root, 2, 'b.jpg', 'B', { annotations: [{ label: '🦊\n' }, { label: '🦊\n' }] }),
        await fileSample(root, 3, 'c.jpg', 'C', { annotations: [{ label: 'cat' }, { label: 'dog' }] }),
        await fileSample(root, 4, 'd.jpg', 'D', { annotations: [box] }),
        await fileSample(root, 5, 'e.jpg', 'E', { annotations: [{ label: '../cat' }] }),
        await fileSample(root, 6, 'f.jpg', 'F', { annotations: [{ label: '..' }] }),
      ],
      'folders',
      { images: 'copy' },
    );
    files.delete('.plimsoll-export.json');
    expect(Object.fromEntries([...files].map(([path, bytes]) => [path, bytes.toString()]))).toEqual({
      'train/cat/x/a.jpg': 'A',
      '🦊\n/b.jpg': 'B',
    });
    expect(counts).toMatchObject({
      samples: 2,
      annotations: 2,
      images: 2,
      skipped_samples: { several_classes: 1, no_class: 1, unwritable_class: 2 },
    });
  });

  it('are refused without images', async () => {
    await expect(exported([], 'folders')).rejects.toMatchObject({ code: 'ExportNotWritable' });
  });
});
