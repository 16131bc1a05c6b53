import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { huggingface } from '../../core/annotations/formats/huggingface.ts';
import { expectResumable, folderWith, readAll } from './format-files.ts';

const lines = (...rows: unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

describe('an ImageFolder of Hugging Face', () => {
  it('has a file in each folder of a split', async () => {
    const folder = folderWith({
      'train/metadata.csv': 'file_name,label,weather\n1.png,cat,rain\nmore/2.png,dog,\n',
      'valid/metadata.jsonl': lines({
        file_name: '1.png',
        label: 3,
        weather: 'sun',
        year: 2024,
        night: false,
        odd: [1],
      }),
      'test/metadata.jsonl': lines({
        file_name: '1.png',
        split: 'extra',
        text: ['A cat.', 'Two\ncats.'],
        tags: ['a', 'a', 'b'],
      }),
      'test/1.png': '',
      'other.csv': 'file_name\nno.png\n',
    });
    expect(await readAll(huggingface, folder)).toEqual({
      classes: [],
      bytes: expect.any(Number),
      pieces: [
        {
          key: `${folder}/test/1.png`,
          image: { name: '1.png', paths: [`${folder}/test/1.png`] },
          split: 'extra',
          tags: ['a', 'b'],
          unit: 'pixels',
          annotations: [{ caption: 'A cat.' }, { caption: 'Two\ncats.' }],
        },
        {
          key: `${folder}/train/1.png`,
          image: { name: '1.png', paths: [`${folder}/train/1.png`] },
          split: 'train',
          unit: 'pixels',
          annotations: [{ label: 'cat', attributes: { weather: 'rain' } }],
        },
        {
          key: `${folder}/train/more/2.png`,
          image: { name: 'more/2.png', paths: [`${folder}/train/more/2.png`] },
          split: 'train',
          unit: 'pixels',
          annotations: [{ label: 'dog' }],
        },
        {
          key: `${folder}/valid/1.png`,
          image: { name: '1.png', paths: [`${folder}/valid/1.png`] },
          split: 'val',
          unit: 'pixels',
          annotations: [{ label: '3', attributes: { weather: 'sun', year: 2024, night: false } }],
        },
      ],
      invalid: [],
    });
  });

  it('may be one file, whose images name the split by their folders', async () => {
    const folder = folderWith({
      'metadata.jsonl': lines({ file_name: 'test/cats/1.png' }, { file_name: 'cats/2.png' }),
    });
    const { pieces } = await readAll(huggingface, join(folder, 'metadata.jsonl'));
    expect(pieces.map(({ split }) => split)).toEqual(['test', undefined]);
  });

  it.each([
    {
      bbox: [
        [1, 2, 30, 40],
        [5, 6, 7, 8],
      ],
      categories: [0, '猫🐈'],
      id: [11, 12],
      iscrowd: [0, 1],
    },
    [
      { bbox: [1, 2, 30, 40], category: 0, id: 11 },
      { bbox: [5, 6, 7, 8], category: '猫🐈', id: 12, iscrowd: true },
    ],
  ])('has boxes in pixels: %j', async (objects) => {
    const folder = folderWith({ 'metadata.jsonl': lines({ file_name: '1.png', objects }) });
    const { pieces, invalid } = await readAll(huggingface, folder);
    expect(invalid).toEqual([]);
    expect(pieces).toMatchObject([
      {
        unit: 'pixels',
        annotations: [
          { label: '0', bounding_box: [1, 2, 30, 40], attributes: { id: 11 } },
          { label: '猫🐈', bounding_box: [5, 6, 7, 8], attributes: { id: 12 }, iscrowd: true },
        ],
      },
    ]);
    expect(pieces[0]?.annotations?.[0]).not.toHaveProperty('iscrowd');
  });

  it('keeps what is right of a row', async () => {
    const folder = folderWith({
      'metadata.jsonl': lines(
        {
          file_name: '1.png',
          label: { a: 1 },
          objects: {
            bbox: [
              [1, 2, 0, 4],
              [1, 2, 3, 4],
              [1, 2],
            ],
            label: ['a', 'b', 'c'],
          },
        },
        { file_name: '2.png', objects: { bbox: [[1, 2, 3, 4]], label: [] } },
        { label: 'no image' },
        { a_file_name: '3.png', b_file_name: '4.png' },
        { picture_file_name: '5.png', label: '__proto__', constructor: 'x' },
      ),
    });
    const { pieces, invalid } = await readAll(huggingface, folder);
    expect(invalid.map(({ reason, line }) => [reason, line])).toEqual([
      ['malformed', 1],
      ['bad_geometry', 1],
      ['malformed', 1],
      ['malformed', 2],
      ['malformed', 3],
      ['malformed', 4],
    ]);
    expect(pieces.map(({ image, annotations }) => [image?.name, annotations])).toEqual([
      ['1.png', [{ label: 'b', bounding_box: [1, 2, 3, 4] }]],
      ['2.png', undefined],
      ['5.png', [{ label: '__proto__', attributes: { constructor: 'x' } }]],
    ]);
  });

  it('keeps a column of any name', async () => {
    const folder = folderWith({ 'metadata.csv': 'file_name,label,__proto__\n1.png,cat,x\n' });
    const { pieces } = await readAll(huggingface, folder);
    expect(Object.entries(pieces[0]?.annotations?.[0]?.attributes ?? {})).toEqual([['__proto__', 'x']]);
  });

  it.each([
    [{ 'a.txt': '' }, 'no metadata.csv'],
    [{ 'metadata.csv': 'name,label\n1.png,cat\n' }, 'line 1, column 1: no column'],
    [{ 'metadata.csv': '' }, 'empty'],
    [{ 'train/metadata.csv': 'file_name,label\n1.png,"cat\n' }, 'train/metadata.csv: line 2, column 1'],
  ])('is broken as a whole: %j', async (contents, what) => {
    await expect(readAll(huggingface, folderWith(contents))).rejects.toMatchObject({
      code: 'AnnotationsBroken',
      message: expect.stringContaining(what),
    });
  });

  it('is read on behind every step', async () => {
    const names = Array.from({ length: 2_300 }, (_, n) => `${n}.png`);
    const folder = folderWith({
      'train/metadata.csv': `file_name,label\n${names.map((name) => `${name},"a\nb"\n`).join('')}`,
      'test/metadata.jsonl': lines(...names.map((file_name) => ({ file_name, label: 1 }))),
      'val/metadata.csv': 'file_name,label\n1.png,cat\n',
      'empty/metadata.csv': 'file_name,label\n',
    });
    expect(await expectResumable(huggingface, folder)).toHaveLength(7);
    expect(await expectResumable(huggingface, join(folder, 'train/metadata.csv'))).toHaveLength(3);
  });
});
