import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Annotation, Point } from '../../contract/annotation.ts';
import { maskOfBitmap } from '../../core/annotations/rle.ts';
import type { ExportRequest, ExportSample } from '../../core/exporting/export-request.ts';
import { exportSamples } from '../../core/exporting/export-samples.ts';
import { installPythonPackages } from '../support/python-packages.ts';
import { requestFor, sampleOf, streamOf } from './support/exports.ts';

const run = promisify(execFile);
const readers = join(import.meta.dirname, 'readers');

const FOX = '🦊\n<&>';
const cat: Annotation = { label: 'cat', bounding_box: [0.25, 0.5, 0.5, 0.25], confidence: 0.5 };
const fox: Annotation = { label: FOX, bounding_box: [0, 0, 0.125, 0.25] };
const TRIANGLE: Point[] = [
  [0.125, 0.25],
  [0.75, 0.25],
  [0.5, 0.875],
];
const RING: Point[] = [
  [0.1, 0.1],
  [0.9, 0.1],
  [0.9, 0.9],
  [0.1, 0.9],
];
const HOLE: Point[] = [
  [0.3, 0.3],
  [0.7, 0.35],
  [0.6, 0.7],
];

let root: string;
// biome-ignore lint/suspicious/noExplicitAny: it is what others have found
let found: any;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'plimsoll-readers-'));
  const packages = await installPythonPackages(join(readers, 'requirements.txt'));
  await exportAll();
  const { stdout } = await run('python3', [join(readers, 'read_exports.py'), root], {
    env: { ...process.env, PYTHONPATH: packages, PYTHONIOENCODING: 'utf-8' },
    maxBuffer: 1 << 26,
  });
  found = JSON.parse(stdout.slice(stdout.indexOf('{"coco"')));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A sample of a picture of 200 x 100 pixels. */
async function pictured(seq: number, name: string, more: Partial<ExportSample>): Promise<ExportSample> {
  const path = join(root, 'source', name);
  await mkdir(join(path, '..'), { recursive: true });
  const picture = { width: 200, height: 100, channels: 3 as const, background: 'red' };
  await writeFile(path, await sharp({ create: picture }).jpeg().toBuffer());
  return sampleOf(seq, name, { file: { path }, split: 'train', ...more });
}

async function exportAll(): Promise<void> {
  const vector = (seq: number) => new Float32Array([seq, 0.1, -1e-30]);
  const samples = [
    await pictured(1, 'a.jpg', { annotations: [cat, fox], vector: vector(1), tags: ['x', 'ü'] }),
    await pictured(2, 'b.jpg', { vector: vector(2) }),
  ];
  const captioned = samples.map((sample) => ({
    ...sample,
    annotations: [...sample.annotations, { caption: 'A "cat",\n🐈' }],
  }));
  const shapes = (annotations: Annotation[]) => streamOf(samples.map((sample) => ({ ...sample, annotations })));
  const write = (
    folder: string,
    format: ExportRequest['format'],
    read: () => AsyncIterable<ExportSample>,
    images: ExportRequest['images'] = 'none',
  ) =>
    exportSamples(read, requestFor(join(root, folder), format, { images, classes: [{ name: 'cat' }, { name: 'no' }] }));

  await write('coco', 'coco', streamOf(captioned));
  const unsplit = { ...sampleOf(1, 'a.jpg'), annotations: SHAPES };
  await write('coco-shapes', 'coco', streamOf([unsplit]));
  await write('yolo', 'yolo', streamOf(samples), 'copy');
  await write('yolo-segment', 'yolo', shapes([{ label: 'cat', points: [TRIANGLE] }]), 'link');
  await write('voc', 'voc', streamOf(samples));
  await write('csv', 'csv', streamOf(captioned));
  await write('npy', 'npy', streamOf(samples));
  await write('parquet', 'parquet', streamOf([...samples, sampleOf(3, 'c.jpg')]));
}

/** Shapes, all of the class cat: those that are tricky to draw, a hole, a crowd, a mask. */
const SHAPES: Annotation[] = [
  { label: 'cat', points: [TRIANGLE] },
  { label: 'cat', points: [RING, HOLE] },
  {
    label: 'cat',
    points: [
      TRIANGLE,
      [
        [0.8, 0.8],
        [0.95, 0.8],
        [0.95, 0.97],
      ],
    ],
  },
  { label: 'cat', points: [TRIANGLE], iscrowd: true },
  {
    label: 'cat',
    points: [
      [
        [0.003, 0.007],
        [0.331, 0.119],
        [0.997, 0.503],
        [0.501, 0.993],
      ],
    ],
  },
  {
    label: 'cat',
    mask: maskOfBitmap(
      Uint8Array.from({ length: 20_000 }, (_, at) => (at % 7 === 0 ? 1 : 0)),
      [100, 200],
    ),
  },
];

describe('what others read', () => {
  it('pycocotools and labelformat: COCO', () => {
    expect(found.coco.boxes).toEqual({
      'a.jpg': [
        ['cat', 50, 50, 150, 75],
        [FOX, 0, 0, 25, 25],
      ],
      'b.jpg': [],
    });
    expect(found.coco.categories).toEqual({ 1: 'cat', 2: 'no', 3: FOX });
    expect(found.coco.captions).toEqual(['A "cat",\n🐈', 'A "cat",\n🐈']);
  });

  it('pycocotools: areas of shapes, as it draws them', () => {
    expect(found.coco.areas).toHaveLength(SHAPES.length);
    for (const [stated, drawn] of found.coco.areas) expect(stated).toBe(drawn);
    for (const [stated] of found.coco.areas) expect(stated).toBeGreaterThan(0);
  });

  it('labelformat: YOLO and Pascal VOC', () => {
    const boxes = {
      'a.jpg': [
        ['cat', 50, 50, 150, 75],
        [FOX, 0, 0, 25, 25],
      ],
      'b.jpg': [],
    };
    expect(found.yolo).toEqual(boxes);
    expect(found.yolo_names).toEqual(['cat', 'no', FOX]);
    expect(found.voc).toEqual(boxes);
    const triangle = [
      [25, 25],
      [150, 25],
      [100, 87.5],
    ];
    expect(found.yolo_polygons).toEqual({ 'a.jpg': [['cat', [triangle]]], 'b.jpg': [['cat', [triangle]]] });
  });

  it('Python: CSV', () => {
    expect(found.csv).toHaveLength(4);
    expect(found.csv[0]).toMatchObject({ image: 'a.jpg', label: 'cat', xmin: '50', xmax: '150', tags: 'x;ü' });
    expect(found.csv[1]).toMatchObject({ label: FOX });
    expect(found.csv[2]).toMatchObject({ label: '', xmin: '', caption: 'A "cat",\n🐈' });
  });

  it('NumPy: vectors', () => {
    expect(found.npy).toEqual({
      type: 'float32',
      order: true,
      rows: [1, 2].map((seq) => [seq, 0.1, -1e-30].map(Math.fround)),
    });
  });

  it('PyArrow: Parquet', () => {
    expect(found.parquet.types).toEqual([
      'int64',
      'string',
      'string',
      'string',
      'list<element: string not null>',
      'int32',
      'int32',
      'string',
      'list<element: float not null>',
    ]);
    const [first, , third] = found.parquet.rows;
    expect(first).toMatchObject({
      seq: 1,
      split: 'train',
      tags: ['x', 'ü'],
      width: 200,
      vector: [1, 0.1, -1e-30].map(Math.fround),
    });
    expect(JSON.parse(first.annotations)).toEqual([cat, fox]);
    expect(third).toMatchObject({ seq: 3, split: null, tags: [], vector: null, annotations: '[]' });
  });
});
