import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { coco } from '../../core/annotations/formats/coco.ts';
import type { Piece, ReadStep } from '../../core/annotations/formats/format.ts';
import { files, joined } from './format-files.ts';

const root = mkdtempSync(join(tmpdir(), 'coco-'));
afterAll(() => rmSync(root, { recursive: true }));
let folders = 0;

/** Writes files, objects as JSON, into a folder of their own. */
function folderOf(contents: Record<string, string | Buffer | object>): string {
  const folder = join(root, String(folders++));
  for (const [name, content] of Object.entries(contents)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    const isText = typeof content === 'string' || Buffer.isBuffer(content);
    writeFileSync(join(folder, name), isText ? content : JSON.stringify(content));
  }
  return folder;
}

async function stepsOf(path: string, from?: unknown): Promise<ReadStep[]> {
  const steps: ReadStep[] = [];
  for await (const step of coco.read({ path, files, from })) steps.push(step);
  return steps;
}

const read = async (path: string) => joined(await stepsOf(path));

/** What is read of one file. */
const readDocument = async (document: string | Buffer | object, name = 'a.json') =>
  read(join(folderOf({ [name]: document }), name));

const CATEGORIES = [
  { id: 7, name: 'cat', supercategory: 'animal' },
  { id: 90, name: 'dog' },
];
const IMAGES = [
  { id: 1, file_name: 'one.jpg', width: 640, height: 480, coco_url: 'x', license: 3, date_captured: 'x' },
  { id: 2, file_name: 'two.jpg', width: 100, height: 50 },
];

const documentOf = (annotations: unknown[], others: object = {}) => ({
  images: IMAGES,
  annotations,
  categories: CATEGORIES,
  ...others,
});

/** The annotations and the invalid ones of image 1. */
async function readAnnotations(annotations: object[], others?: object) {
  const named = annotations.map((each, id) => ({ id, image_id: 1, category_id: 7, ...each }));
  const { pieces, invalid } = await readDocument(documentOf(named, others));
  return { found: pieces.flatMap((piece) => piece.annotations ?? []), invalid };
}

describe('instances', () => {
  test('are pieces of their images, which need no annotations', async () => {
    const folder = folderOf({
      'a.json': documentOf([
        { id: 5, image_id: 1, category_id: 90, bbox: [1, 2.5, 3, 4], area: 12, iscrowd: 0, segmentation: [] },
        { id: 6, image_id: 1, category_id: 7, bbox: [5, 6, 7, 8], iscrowd: 1 },
        { id: 7, image_id: 44, category_id: 7, bbox: [5, 6, 7, 8] },
      ]),
    });
    const paths = (name: string) =>
      ['', 'images/', '../a/', '../images/a/', '../', '../images/'].map((part) => join(folder, part, name));
    const { pieces, invalid, classes, bytes } = await read(join(folder, 'a.json'));
    expect(pieces).toEqual<Piece[]>([
      { key: '1', image: { name: 'one.jpg', paths: paths('one.jpg'), width: 640, height: 480 } },
      { key: '2', image: { name: 'two.jpg', paths: paths('two.jpg'), width: 100, height: 50 } },
      {
        key: '1',
        unit: 'pixels',
        annotations: [
          { label: 'dog', bounding_box: [1, 2.5, 3, 4] },
          { label: 'cat', bounding_box: [5, 6, 7, 8], iscrowd: true },
        ],
      },
      { key: '44', unit: 'pixels', annotations: [{ label: 'cat', bounding_box: [5, 6, 7, 8] }] },
    ]);
    expect(invalid).toEqual([]);
    expect(classes).toEqual([
      { name: 'cat', id: 7, supercategory: 'animal' },
      { name: 'dog', id: 90 },
    ]);
    expect(bytes).toBe(statSync(join(folder, 'a.json')).size);
  });

  test('find their categories wherever the file declares them', async () => {
    const annotations = [{ id: 1, image_id: 1, category_id: 7, bbox: [1, 2, 3, 4] }];
    const orders = [
      { categories: CATEGORIES, images: IMAGES, annotations },
      { images: IMAGES, annotations, categories: CATEGORIES },
      { annotations, categories: CATEGORIES, images: IMAGES },
      { annotations, images: IMAGES, info: 1, categories: CATEGORIES, more: [] },
    ];
    for (const document of orders) {
      const { pieces, classes } = await readDocument(document);
      expect(pieces.flatMap((piece) => piece.annotations ?? [])).toEqual([
        { label: 'cat', bounding_box: [1, 2, 3, 4] },
      ]);
      expect(classes).toHaveLength(2);
    }
  });

  test('have the categories that the file declares first, also if it is read on', async () => {
    const folder = folderOf({
      'a.json': `{"annotations": [{"image_id": 1, "category_id": 1}], "categories": [{"id": 1, "name": "cat"}],
        "categories": [{"id": 1, "name": "dog"}], "images": []}`,
    });
    const steps = await stepsOf(join(folder, 'a.json'));
    expect(steps.flatMap(({ pieces }) => pieces[0]?.annotations ?? [])).toEqual([{ label: 'cat' }]);
    const again = await stepsOf(join(folder, 'a.json'), steps[0]?.cursor);
    expect(again.flatMap(({ pieces }) => pieces[0]?.annotations ?? [])).toEqual([{ label: 'cat' }]);
  });

  test('have polygons and masks', async () => {
    const { found, invalid } = await readAnnotations([
      { segmentation: [[1, 2, 3, 4, 5, 6.5]], bbox: [1, 2, 4, 4.5] },
      { segmentation: [[0, 0, 9, 0, 9, 9, 0, 9], [2, 2, 4, 2, 4, 4]] }, // biome-ignore format: one ring after the other
      { segmentation: { size: [4, 5], counts: [3, 5, 12] }, iscrowd: 1 },
      { segmentation: { size: [4, 5], counts: '35<' } },
    ]);
    expect(invalid).toEqual([]);
    expect(found).toEqual([
      { label: 'cat', bounding_box: [1, 2, 4, 4.5], points: [[[1, 2], [3, 4], [5, 6.5]]] }, // biome-ignore format: a ring
      { label: 'cat', points: [[[0, 0], [9, 0], [9, 9], [0, 9]], [[2, 2], [4, 2], [4, 4]]] }, // biome-ignore format: rings
      { label: 'cat', mask: { size: [4, 5], counts: '35<' }, iscrowd: true },
      { label: 'cat', mask: { size: [4, 5], counts: '35<' } },
    ]);
  });

  test('keep plain fields that no one knows, and those of attributes', async () => {
    const { found } = await readAnnotations([
      { track: 'a', occluded: false, nested: { x: 1 }, list: [1], none: null, attributes: { rotation: 0.5, deep: {} } },
      JSON.parse('{"attributes": {"__proto__": "p", "constructor": 1}, "__proto__": {"polluted": true}}'),
    ]);
    expect(found[0]?.attributes).toEqual({ track: 'a', occluded: false, rotation: 0.5 });
    expect(Object.entries(found[1]?.attributes ?? {})).toEqual([
      ['__proto__', 'p'],
      ['constructor', 1],
    ]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test('of classes with any name', async () => {
    const names = ['__proto__', 'constructor', '猫 🐈\n"]', ' '];
    const categories = names.map((name, id) => ({ id, name }));
    const annotations = names.map((_, id) => ({ id, image_id: 1, category_id: id }));
    const { pieces, classes } = await readDocument({ categories, images: IMAGES, annotations });
    expect(pieces.at(-1)?.annotations?.map(({ label }) => label)).toEqual(names);
    expect(classes.map(({ name }) => name)).toEqual(names);
  });

  test('have IDs of numbers, words, or digits that no number holds', async () => {
    const { pieces, invalid } = await readDocument(
      `{"images": [{"id": "a/b", "file_name": "x"}, {"id": 9007199254740993, "file_name": "y"},
        {"id": 9007199254740992, "file_name": "z"}, {"id": 1.0, "file_name": "w"}],
       "annotations": [{"image_id": "a/b", "category_id": "c"}, {"image_id": 9007199254740993, "category_id": "c"},
        {"image_id": 9007199254740992, "category_id": "c"}, {"image_id": 1, "category_id": "c"}],
       "categories": [{"id": "c", "name": "cat"}]}`,
    );
    expect(invalid).toEqual([]);
    const keys = ['a/b', '9007199254740993', '9007199254740992', '1'];
    expect(pieces.map(({ key }) => key)).toEqual([...keys, ...keys]);
  });

  test('of a field that is there twice have the last', async () => {
    const { pieces } = await readDocument(
      '{"images": [], "annotations": [{"image_id": 2, "image_id": 1, "caption": "a", "caption": "b"}]}',
    );
    expect(pieces).toEqual([{ key: '1', unit: 'pixels', annotations: [{ caption: 'b' }] }]);
  });
});

describe('keypoints and captions', () => {
  const person = {
    categories: [{ id: 7, name: 'person', keypoints: ['nose', 'eye', 'ear'], skeleton: [[1, 2], [3, 1]] }], // biome-ignore format: a skeleton
  };

  test('a skeleton counts from 0, and keypoints are triples', async () => {
    const { classes } = await readDocument(documentOf([], person));
    expect(classes[0]).toMatchObject({ keypoints: ['nose', 'eye', 'ear'], skeleton: [[0, 1], [2, 0]] }); // biome-ignore format: a skeleton
    const { found, invalid } = await readAnnotations(
      [{ keypoints: [1, 2, 2, 3.5, 4, 1, 0, 0, 0], num_keypoints: 2 }, { keypoints: [0, 0, 0, 0, 0, 0, 0, 0, 0] }],
      person,
    );
    expect(invalid).toEqual([]);
    expect(found).toEqual([
      { label: 'person', keypoints: [[1, 2, 2], [3.5, 4, 1], [0, 0, 0]] }, // biome-ignore format: a skeleton
      { label: 'person' },
    ]);
  });

  test.each<[string, object, string, string]>([
    ['too few', { keypoints: [1, 2, 2] }, 'malformed', 'It has 1 keypoints, and its category has 3'],
    ['no triples', { keypoints: [1, 2] }, 'malformed', 'Its keypoints are [1, 2], not three numbers each'],
    [
      'words',
      { keypoints: [1, 2, 2, 'x', 4, 2, 5, 6, 2] },
      'malformed',
      'A number of a keypoint is "x", and a number is needed',
    ],
    [
      'a visibility of 3',
      { keypoints: [1, 2, 3, 3, 4, 2, 5, 6, 2] },
      'malformed',
      'A keypoint has the visibility 3, not 0, 1 or 2',
    ],
  ])('%s are invalid', async (_, element, reason, message) => {
    const { found, invalid } = await readAnnotations([element, {}], person);
    expect(found).toEqual([{ label: 'person' }]);
    expect(invalid).toMatchObject([{ reason, message: `An annotation: ${message}.`, line: 1 }]);
  });

  test('a skeleton of positions that are not there is invalid', async () => {
    const categories = [{ id: 7, name: 'person', keypoints: ['nose'], skeleton: [[0, 1]] }];
    const { invalid, classes } = await readDocument({ images: [], annotations: [], categories });
    expect(classes).toEqual([]);
    expect(invalid).toMatchObject([
      { reason: 'unknown_reference', message: 'Category: Its skeleton joins [0, 1] of 1 keypoints.' },
    ]);
  });

  test('captions need no category', async () => {
    const document = { images: IMAGES, annotations: [{ id: 1, image_id: 2, caption: 'A cat\nsleeps. ' }] };
    expect((await readDocument(document)).pieces.at(-1)).toEqual({
      key: '2',
      unit: 'pixels',
      annotations: [{ caption: 'A cat\nsleeps. ' }],
    });
  });
});

describe('results', () => {
  test('have a confidence, and the ID of the category for a label', async () => {
    const { pieces, classes, invalid } = await readDocument([
      { image_id: 42, category_id: 18, bbox: [1, 2, 3, 4], score: 0.25 },
      { image_id: 42, category_id: 1, keypoints: [1, 2, 0.9, 0, 0, 0], score: 1 },
      { image_id: 'street', category_id: 3, segmentation: { size: [4, 5], counts: '35<' }, score: 0 },
      { image_id: 7, file_name: '7.png', category_id: 3, bbox: [1, 2, 3, 4], score: 0.5 },
      { image_id: 7, category_id: 3, bbox: [1, 2, 3, 4], score: 80 },
    ]);
    expect(pieces).toEqual<Piece[]>([
      {
        key: '42',
        unit: 'pixels',
        annotations: [
          { label: '18', bounding_box: [1, 2, 3, 4], confidence: 0.25 },
          { label: '1', keypoints: [[1, 2, 2], [0, 0, 0]], confidence: 1 }, // biome-ignore format: a skeleton
        ],
      },
      {
        key: 'street',
        image: { name: 'street', anyExtension: true },
        unit: 'pixels',
        annotations: [{ label: '3', mask: { size: [4, 5], counts: '35<' }, confidence: 0 }],
      },
      {
        key: '7',
        image: { name: '7.png' },
        unit: 'pixels',
        annotations: [{ label: '3', bounding_box: [1, 2, 3, 4], confidence: 0.5 }],
      },
    ]);
    expect(classes).toEqual([]);
    expect(invalid).toMatchObject([
      { reason: 'malformed', message: 'An annotation: The confidence is 80, and it may be from 0 to 1.' },
    ]);
  });
});

describe('an annotation is invalid, and the others are read,', () => {
  test.each<[string, string, string, string]>([
    [
      'NaN',
      '{"image_id": 1, "category_id": 7, "bbox": [NaN, 2, 3, 4]}',
      'bad_geometry',
      'It has the number NaN, which JSON does not have',
    ],
    [
      '-Infinity',
      '{"image_id": 1, "category_id": 7, "score": -Infinity}',
      'bad_geometry',
      'It has the number -Infinity, which JSON does not have',
    ],
    [
      'a number beyond bounds',
      '{"image_id": 1, "category_id": 7, "bbox": [1e999, 2, 3, 4]}',
      'bad_geometry',
      'A number of its bbox is Infinity, which is no finite number',
    ],
    [
      'a width of zero',
      '{"image_id": 1, "category_id": 7, "bbox": [1, 2, 0, 4]}',
      'bad_geometry',
      'The box [1, 2, 0, 4] has no area',
    ],
    [
      'a negative height',
      '{"image_id": 1, "category_id": 7, "bbox": [1, 2, 3, -4]}',
      'bad_geometry',
      'The box [1, 2, 3, -4] has no area',
    ],
    [
      'three numbers',
      '{"image_id": 1, "category_id": 7, "bbox": [1, 2, 3]}',
      'malformed',
      'Its bbox is [1, 2, 3], not four numbers',
    ],
    [
      'words',
      '{"image_id": 1, "category_id": 7, "bbox": ["x", 2, 3, 4]}',
      'malformed',
      'A number of its bbox is "x", and a number is needed',
    ],
    [
      'a polygon of two points',
      '{"image_id": 1, "category_id": 7, "segmentation": [[1, 2, 3, 4]]}',
      'malformed',
      'Its segmentation has a polygon of 4 numbers',
    ],
    [
      'an odd polygon',
      '{"image_id": 1, "category_id": 7, "segmentation": [[1, 2, 3, 4, 5, 6, 7]]}',
      'malformed',
      'Its segmentation has a polygon of 7 numbers',
    ],
    [
      'a polygon that is not nested',
      '{"image_id": 1, "category_id": 7, "segmentation": [1, 2, 3, 4, 5, 6]}',
      'malformed',
      'Its segmentation has 1 for a polygon',
    ],
    [
      'null in a polygon',
      '{"image_id": 1, "category_id": 7, "segmentation": [[1, 2, 3, null, 5, 6]]}',
      'malformed',
      'A number of its segmentation is null, and a number is needed',
    ],
    [
      'a mask of another size',
      '{"image_id": 1, "category_id": 7, "segmentation": {"size": [2, 2], "counts": [5]}}',
      'malformed',
      'Its mask has counts of 5 pixels and a size of 4',
    ],
    [
      'a category that is not declared',
      '{"image_id": 1, "category_id": 8}',
      'unknown_reference',
      'No category has its category_id, 8',
    ],
    ['No category', '{"image_id": 1}', 'malformed', 'It has no category_id'],
    ['no image', '{"category_id": 7}', 'malformed', 'It has no image_id'],
    ['an image that is none', '{"image_id": [[1], {}], "category_id": 7}', 'malformed', 'Its image_id is [[…], {…}]'],
    ['a caption that is none', '{"image_id": 1, "caption": 5}', 'malformed', 'Its caption is 5'],
    ['a number', '12', 'malformed', 'It is 12, not an object'],
    ['null', 'null', 'malformed', 'It is null, not an object'],
    ['broken syntax', '{"image_id" 1}', 'malformed', 'It is no valid JSON: "{\\"image_id\\" 1}"'],
    ['a nest', `{"image_id": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 'malformed', 'Its image_id is [[…]]'],
    [
      'a nest with an ID that no number holds',
      `{"image_id": 9007199254740993, "x": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      'malformed',
      'It is nested too deeply',
    ],
  ])('for %s', async (_, element, reason, message) => {
    const good = '{"image_id": 2, "category_id": 7}';
    const folder = folderOf({
      'a.json': `{"categories": ${JSON.stringify(CATEGORIES)}, "images": [],\r\n"annotations": [${good},\n${element},${good}]}`,
    });
    const file = join(folder, 'a.json');
    const { pieces, invalid } = await read(file);
    expect(invalid).toEqual([{ reason, file, line: 3, message: `An annotation: ${message}.` }]);
    expect(pieces).toEqual([{ key: '2', unit: 'pixels', annotations: [{ label: 'cat' }, { label: 'cat' }] }]);
  });

  test('or for images and categories that are none', async () => {
    const { pieces, classes, invalid } = await readDocument({
      images: [
        { id: 1 },
        { file_name: 'x' },
        { id: 3, file_name: 'y', width: -1, height: 5 },
        { id: 4, file_name: 'z', width: 0, height: 0 },
      ],
      annotations: [],
      categories: [{ id: 1 }, { name: 'x' }, 5, { id: 2, name: 'y', keypoints: 'nose' }, { id: 3, name: 'z' }],
    });
    expect(classes).toEqual([{ name: 'z', id: 3 }]);
    expect(pieces.map(({ key, image }) => [key, image?.name, image?.width])).toEqual([['4', 'z', undefined]]);
    expect(invalid.map(({ reason, message }) => [reason, message])).toEqual([
      ['malformed', 'Category: Its name is undefined.'],
      ['malformed', 'Category: It has no id.'],
      ['malformed', 'Category: It is 5, not an object.'],
      ['malformed', 'Category: Its keypoints are "nose", not names.'],
      ['malformed', 'An image: Its file_name is undefined.'],
      ['malformed', 'An image: It has no id.'],
      ['bad_geometry', 'An image: Its size is -1 x 5.'],
    ]);
  });
});

describe('images lie where COCO puts them', () => {
  async function pathsOf(file: string, file_name: string) {
    const folder = folderOf({ [file]: { images: [{ id: 1, file_name }], annotations: [] } });
    const { pieces } = await read(join(folder, file));
    return pieces[0]?.image?.paths?.map((path) => path.replace(folder, ''));
  }

  test('in a folder named like the file, below it, or beside it', async () => {
    expect(await pathsOf('annotations/instances_train2017.json', 'a/b.jpg')).toEqual([
      '/annotations/a/b.jpg',
      '/annotations/images/a/b.jpg',
      '/train2017/a/b.jpg',
      '/images/train2017/a/b.jpg',
      '/a/b.jpg',
      '/images/a/b.jpg',
    ]);
    expect(await pathsOf('train/_annotations.coco.json', './a.jpg')).toEqual([
      '/train/a.jpg',
      '/train/images/a.jpg',
      '/a.jpg',
      '/images/a.jpg',
    ]);
  });

  test.each<[string, string[]]>([
    ['../images/a.jpg', ['/images/a.jpg']],
    ['x/../../images/a.jpg', ['/images/a.jpg']],
    ['../../a.jpg', []],
    ['..\\..\\..\\etc\\passwd', []],
    ['/data/a.jpg', ['/data/a.jpg']],
    ['/data/../a.jpg', ['/a.jpg']],
    ['C:\\data\\a.jpg', []],
  ])('and a name %s leads no further', async (name, paths) => {
    expect(await pathsOf('annotations/x.y.json', name)).toEqual(paths);
  });
});

describe('splits', () => {
  test.each<[string, string | undefined]>([
    ['train/_annotations.coco.json', 'train'],
    ['valid/_annotations.coco.json', 'val'],
    ['test/_annotations.coco.json', 'test'],
    ['annotations/instances_train2017.json', 'train'],
    ['annotations/person_keypoints_val2017.json', 'val'],
    ['annotations/image_info_test-dev2017.json', 'test'],
    ['lvis_v1_val.json', 'val'],
    ['train.json', 'train'],
    ['annotations/instances_default.json', undefined],
    ['annotations/minitrain2017.json', undefined],
    ['annotations/captions_unlabeled2017.json', undefined],
  ])('%s is %s', async (name, split) => {
    const { pieces } = await readDocument(documentOf([]), name);
    expect(pieces.map((piece) => piece.split)).toEqual([split, split]);
  });
});

describe('a folder', () => {
  const document = (label: string) => ({
    images: [{ id: 1, file_name: `${label}.jpg` }],
    annotations: [{ image_id: 1, category_id: 1, bbox: [1, 2, 3, 4] }],
    categories: [{ id: 1, name: label }],
  });

  test('has files whose IDs are their own', async () => {
    const folder = folderOf({
      'a/settings.json': { images: 'x' },
      'b/broken.json': '{"info": ',
      'b/lines.json': '{"a": 1}\n{"a": 2}',
      'c/results.json': [{ image_id: 1, category_id: 1 }],
      'train/_annotations.coco.json': document('cat'),
      'valid/_annotations.coco.JSON': document('dog'),
      'valid/notes.txt': document('bird'),
    });
    const { pieces, classes, bytes } = await read(folder);
    expect(
      pieces.map(({ key, split, image, annotations }) => [key, split ?? image?.name ?? annotations?.[0]?.label]),
    ).toEqual([
      ['0:1', 'train'],
      ['0:1', 'cat'],
      ['1:1', 'val'],
      ['1:1', 'dog'],
    ]);
    expect(classes.map(({ name }) => name)).toEqual(['cat', 'dog']);
    expect(bytes).toBe(2 * JSON.stringify(document('cat')).length);
  });

  test('without such files, and files that are none, are refused', async () => {
    const folder = folderOf({ 'a/settings.json': { images: [] }, 'b.json': { annotations: [] } });
    await expect(read(folder)).rejects.toMatchObject({
      code: 'AnnotationsBroken',
      message: `${folder}: line 1, column 1: it is not COCO: no *.json below it has the members images and annotations.`,
    });
    await expect(read(join(folder, 'b.json'))).rejects.toMatchObject({ code: 'AnnotationsBroken' });
  });

  test('with one that breaks off in its lists is broken', async () => {
    const folder = folderOf({ 'a.json': document('cat'), 'b.json': '{"images": [\n{"id": 1}' });
    await expect(read(folder)).rejects.toMatchObject({
      code: 'AnnotationsBroken',
      message: `${folder}/b.json: line 2, column 10: the document ends too early.`,
    });
  });
});

describe('a broken file', () => {
  test('that is cut anywhere gives an error and nothing else', async () => {
    const text = JSON.stringify(documentOf([{ id: 1, image_id: 1, category_id: 7, bbox: [1, 2, 3, 4] }]));
    const folder = folderOf({ 'a.json': text });
    const path = join(folder, 'a.json');
    for (let length = 0; length < text.length; length++) {
      writeFileSync(path, text.slice(0, length));
      await expect(read(path)).rejects.toMatchObject({
        code: 'AnnotationsBroken',
        message: `${path}: line 1, column ${length + 1}: the document ends too early.`,
      });
    }
  });

  test.each<[string, string | Buffer, string]>([
    ['images that are no list', '{"annotations": [],\n "images": {"id": 1}}', 'line 2, column 12: images is no list'],
    [
      'Latin 1',
      Buffer.from('{"images": [], "annotations": [\n{"caption": "\xe9"}]}', 'latin1'),
      'line 2, column 1: the text is not UTF-8',
    ],
    [
      'UTF-16',
      Buffer.from('\ufeff{"images": []}', 'utf16le'),
      'line 1, column 1: the text is UTF-16; save it as UTF-8',
    ],
  ])('%s', async (_, document, message) => {
    await expect(readDocument(document)).rejects.toMatchObject({
      code: 'AnnotationsBroken',
      message: expect.stringContaining(`${message}.`),
    });
  });

  test('of more categories than are held', async () => {
    const categories = Array.from({ length: 100_001 }, () => 0);
    await expect(readDocument({ categories, images: [], annotations: [] })).rejects.toMatchObject({
      code: 'AnnotationsBroken',
      message: expect.stringContaining('it declares more than 100000 categories.'),
    });
  });

  test('is none for a byte order mark and CRLF', async () => {
    const text = JSON.stringify(documentOf([{ image_id: 1, category_id: 7 }]), null, 2).replaceAll('\n', '\r\n');
    const { pieces, invalid } = await readDocument(Buffer.from(`\ufeff${text}\r\n`));
    expect(pieces).toHaveLength(3);
    expect(invalid).toEqual([]);
  });
});

describe('going on', () => {
  const many = (label: string, last: object) => {
    const images = Array.from({ length: 1200 }, (_, id) => ({ id, file_name: `${label}${id}.jpg` }));
    const annotations = Array.from({ length: 2300 }, (_, n) => ({ image_id: n % 700, category_id: 1 + (n % 3) }));
    return { images, annotations, ...last };
  };
  const categories = [
    { id: 1, name: 'cat' },
    { id: 2, name: 'dog' },
  ];

  test('from every step gives what the whole reading gives behind it', async () => {
    const folder = folderOf({
      'a.json': many('a', { categories }),
      'b.json': { info: {} },
      'c.json': { categories, ...many('c', {}) },
      'd.json': documentOf([{ image_id: 1, caption: 'no category' }], { categories: undefined }),
      'results.json': Array.from({ length: 2100 }, (_, n) => ({ image_id: n, category_id: 3, score: 0.5 })),
    });
    for (const path of ['', 'a.json', 'c.json', 'd.json', 'results.json'].map((name) => join(folder, name))) {
      const steps = await stepsOf(path);
      expect(steps.length).toBeGreaterThan(1);
      for (const [index, { cursor, pieces }] of steps.entries()) {
        const text = JSON.stringify(cursor);
        expect(text.length).toBeLessThan(2000);
        expect(pieces.length).toBeLessThanOrEqual(1000);
        const behind = joined(await stepsOf(path, JSON.parse(text)));
        const { bytes, ...expected } = joined(steps.slice(index + 1));
        expect(behind).toMatchObject(expected);
        expect(behind.bytes).toBe(bytes);
      }
    }
  });
});
