import { parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import type { Annotation } from '../../contract/annotation.ts';
import { exported, fileSample, newFolder, sampleOf } from './support/exports.ts';

const box: Annotation = { label: 'cat', bounding_box: [0.25, 0.5, 0.5, 0.25] };
const lines = (text: string | undefined) =>
  (text ?? '')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('CSV', () => {
  it('has a row for each object, in pixels, and one for an image without any', async () => {
    const { text, counts } = await exported(
      [
        sampleOf(1, 'a.jpg', {
          split: 'train',
          tags: ['x', 'y z'],
          annotations: [{ ...box, confidence: 0.5 }, { label: 'day' }],
        }),
        sampleOf(2, 'b.jpg', { annotations: [{ caption: 'A "cat",\nasleep' }] }),
        sampleOf(3, 'c.jpg'),
      ],
      'csv',
    );
    expect(text('annotations.csv')).toBe(
      'image,label,xmin,ymin,xmax,ymax,confidence,split,tags,caption,image_width,image_height\n' +
        'a.jpg,cat,50,50,150,75,0.5,train,"x;y z",,200,100\n' +
        'a.jpg,day,,,,,,train,"x;y z",,200,100\n' +
        'b.jpg,,,,,,,,,"A ""cat"",\nasleep",200,100\n' +
        'c.jpg,,,,,,,,,,200,100\n',
    );
    expect(counts).toMatchObject({ samples: 3, annotations: 3 });
  });

  it('keeps text as it is, formulas too', async () => {
    const labels = ['=1+1', '@cmd', ' padded ', "-2'", '__proto__'];
    const { text } = await exported([sampleOf(1, 'a.jpg', { annotations: labels.map((label) => ({ label })) })], 'csv');
    const rows = (text('annotations.csv') ?? '').trimEnd().split('\n').slice(1);
    expect(rows.map((row) => row.split(',')[1])).toEqual(['=1+1', '@cmd', '" padded "', "-2'", '__proto__']);
  });

  it('leaves boxes out where nobody knows their pixels, and keeps the row', async () => {
    const sample = sampleOf(1, 'a.jpg', { annotations: [box] });
    delete sample.height;
    const { text, counts } = await exported([sample], 'csv');
    expect(text('annotations.csv')).toMatch(/\na\.jpg,,,,,,,,,,200,\n$/);
    expect(counts.skipped_annotations).toEqual({ unknown_size: 1 });
  });
});

describe('JSON Lines', () => {
  it('lose nothing', async () => {
    const annotations: Annotation[] = [
      box,
      { caption: 'A\u2028cat' },
      {
        label: '__proto__',
        points: [
          [
            [0, 0],
            [1, 0],
            [1, 1],
          ],
        ],
        oriented: true,
        iscrowd: true,
        attributes: { a: 1, b: true },
      },
      { label: 'm', mask: { size: [2, 4], counts: '242' }, keypoints: [[0.1, 0.2, 2]], confidence: 1 / 3 },
    ];
    const { text } = await exported(
      [sampleOf(1, 'x/a.jpg', { split: 'val', tags: ['t'], annotations }), sampleOf(2, 'b.jpg')],
      'jsonl',
    );
    expect(lines(text('samples.jsonl'))).toEqual([
      { filepath: '/photos/x/a.jpg', split: 'val', tags: ['t'], width: 200, height: 100, annotations },
      { filepath: '/photos/b.jpg', width: 200, height: 100, annotations: [] },
    ]);
  });

  it('name the copies of images, and hold vectors if asked', async () => {
    const sample = await fileSample(await newFolder(), 1, 'x/a.jpg', 'A', { vector: new Float32Array([0.5, 0.1]) });
    const options = { images: 'copy', vectors: true } as const;
    const { text, files } = await exported([sample], 'jsonl', options);
    expect(lines(text('samples.jsonl'))[0]).toMatchObject({
      file_name: 'images/x/a.jpg',
      vector: [0.5, Math.fround(0.1)],
    });
    expect(files.get('images/x/a.jpg')?.toString()).toBe('A');
    expect((await exported([sample], 'jsonl')).text('samples.jsonl')).not.toContain('vector');
  });
});

describe('NumPy', () => {
  it('has a row for each sample with a vector', async () => {
    const { files, text, counts } = await exported(
      [
        sampleOf(1, 'a.jpg', { vector: new Float32Array([1, -2.5]) }),
        sampleOf(2, 'b.jpg'),
        sampleOf(3, 'c.jpg', { vector: new Float32Array([0, Number.NaN]) }),
      ],
      'npy',
    );
    const bytes = files.get('vectors.npy') ?? Buffer.alloc(0);
    expect(bytes.subarray(0, 8).toString('latin1')).toBe('\x93NUMPY\x01\x00');
    expect(bytes.readUInt16LE(8)).toBe(118);
    expect(bytes.subarray(10, 128).toString()).toBe(
      `${"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }".padEnd(117)}\n`,
    );
    expect([0, 4, 8, 12].map((at) => bytes.readFloatLE(128 + at))).toEqual([1, -2.5, 0, Number.NaN]);
    expect(bytes.length).toBe(128 + 16);
    expect(lines(text('samples.jsonl')).map(({ seq }) => seq)).toEqual([1, 3]);
    expect(counts).toMatchObject({ samples: 2, skipped_samples: { no_vector: 1 } });
  });
});

describe('Parquet', () => {
  it('has a row for each sample, in groups of rows', async () => {
    const samples = Array.from({ length: 5000 }, (_, index) =>
      sampleOf(index, `${index}.jpg`, {
        ...(index % 2 === 0 && { split: 'train', tags: ['even', 'x'], vector: new Float32Array([index, 0.5]) }),
        annotations: index === 1 ? [box] : [],
      }),
    );
    const { files } = await exported(samples, 'parquet');
    const bytes = files.get('samples.parquet') ?? Buffer.alloc(0);
    const file = new Uint8Array(bytes).buffer;
    const rows = await parquetReadObjects({ file });
    expect(rows).toHaveLength(5000);
    expect(rows[4998]).toMatchObject({
      seq: 4998n,
      filepath: '/photos/4998.jpg',
      split: 'train',
      tags: ['even', 'x'],
      vector: [4998, 0.5],
      annotations: '[]',
    });
    expect(rows[1]).toMatchObject({ tags: [], width: 200, height: 100, annotations: JSON.stringify([box]) });
    expect(rows[1]?.split ?? null).toBeNull();
    expect(rows[1]?.vector ?? null).toBeNull();
  });

  it('may have no rows', async () => {
    const { files } = await exported([], 'parquet');
    expect(await parquetReadObjects({ file: new Uint8Array(files.get('samples.parquet') ?? []).buffer })).toEqual([]);
  });
});

describe('FiftyOne', () => {
  it('has a field for each kind of label', async () => {
    const { text } = await exported(
      [
        sampleOf(1, 'a.jpg', {
          split: 'val',
          tags: ['t'],
          annotations: [
            { ...box, confidence: 0.5, attributes: { 'is.wild': true } },
            {
              label: 'dog',
              points: [
                [
                  [0, 0],
                  [1, 0],
                  [1, 1],
                ],
              ],
            },
            { ...box, keypoints: [[0.1, 0.2, 2]] },
            { label: 'day' },
            { caption: 'A cat.' },
          ],
        }),
      ],
      'fiftyone',
    );
    expect(JSON.parse(text('metadata.json') ?? '')).toEqual({
      name: 'pets',
      media_type: 'image',
      info: { classes: { ground_truth: ['cat', 'dog', 'day'] } },
    });
    const cat = { tags: [], label: 'cat' };
    expect(JSON.parse(text('samples.json') ?? '')).toEqual({
      samples: [
        {
          filepath: '/photos/a.jpg',
          tags: ['t'],
          split: 'val',
          metadata: { _cls: 'ImageMetadata', width: 200, height: 100 },
          ground_truth: {
            _cls: 'Detections',
            detections: [
              { _cls: 'Detection', ...cat, confidence: 0.5, attribute_is_wild: true, bounding_box: box.bounding_box },
              { _cls: 'Detection', ...cat, bounding_box: box.bounding_box },
            ],
          },
          ground_truth_polylines: {
            _cls: 'Polylines',
            polylines: [
              {
                _cls: 'Polyline',
                tags: [],
                label: 'dog',
                points: [
                  [
                    [0, 0],
                    [1, 0],
                    [1, 1],
                  ],
                ],
                closed: true,
                filled: true,
              },
            ],
          },
          ground_truth_keypoints: {
            _cls: 'Keypoints',
            keypoints: [{ _cls: 'Keypoint', ...cat, points: [[0.1, 0.2]], visibility: [2] }],
          },
          ground_truth_classes: {
            _cls: 'Classifications',
            classifications: [{ _cls: 'Classification', tags: [], label: 'day' }],
          },
          ground_truth_captions: ['A cat.'],
        },
      ],
    });
  });
});
