import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createNameSet } from '../../core/exporting/name-set.ts';
import { folderSource } from '../../core/sources/folder/folder-source.ts';
import { memorySource } from '../../core/sources/memory/memory-source.ts';
import { exported, fileSample, newFolder, sampleOf } from './support/exports.ts';

const imagesIn = (files: Map<string, Buffer>, folder: string) =>
  [...files].filter(([path]) => path.startsWith(folder)).map(([path, bytes]) => [path, bytes.toString()]);

describe('images of an export', () => {
  it('keep their paths below their sources, and stay apart if two sources have the same', async () => {
    const root = await newFolder();
    const samples = [
      await fileSample(join(root, 'one'), 1, 'x/a.jpg', '1'),
      await fileSample(join(root, 'two'), 2, 'x/a.jpg', '2'),
      await fileSample(join(root, 'two'), 3, 'y/a.jpg', '3'),
    ];
    const { files, text, counts } = await exported(samples, 'coco', { images: 'copy' });
    const { images } = JSON.parse(text('annotations/instances.json') ?? '');
    const names = images.map((image: { file_name: string }) => image.file_name);
    expect(names).toEqual(['x/a.jpg', expect.stringMatching(/^two-[0-9a-f]{6}\/x\/a\.jpg$/), 'y/a.jpg']);
    expect(names.map((name: string) => text(`images/${name}`))).toEqual(['1', '2', '3']);
    expect(imagesIn(files, 'images/')).toHaveLength(3);
    expect(counts).toMatchObject({ samples: 3, images: 3, renamed: 1 });
  });

  it('stay apart where their label files would be the same', async () => {
    const root = await newFolder();
    const samples = await Promise.all(
      ['a.jpg', 'a.png', 'a.webp'].map((name, index) => fileSample(root, index, name, name)),
    );
    const { files, counts } = await exported(samples, 'yolo', { images: 'copy' });
    const images = imagesIn(files, 'images/').map(([path]) => path);
    const labels = imagesIn(files, 'labels/').map(([path]) => path);
    expect(images).toHaveLength(3);
    const labelOf = (path = '') => path.replace('images/', 'labels/').replace(/\.\w+$/, '.txt');
    expect(images.map(labelOf).sort()).toEqual(labels.sort());
    expect(counts.renamed).toBe(2);
  });

  it('stay apart where one is called like the folder of another', async () => {
    const root = await newFolder();
    const samples = [
      await fileSample(join(root, 'one'), 1, 'x.jpg', '1'),
      await fileSample(join(root, 'two'), 2, 'x.jpg/a.jpg', '2'),
      await fileSample(join(root, 'three'), 3, 'z.jpg/a.jpg', '3'),
      await fileSample(join(root, 'four'), 4, 'z.jpg', '4'),
    ];
    const { files } = await exported(samples, 'csv', { images: 'copy' });
    expect(
      imagesIn(files, 'images/')
        .map(([, content]) => content)
        .sort(),
    ).toEqual(['1', '2', '3', '4']);
  });

  it('that stay where they are have their full paths if two have the same name', async () => {
    const samples = [sampleOf(1, 'a.jpg'), sampleOf(2, 'a.jpg', { file: { path: '/other/a.jpg' } })];
    const { text } = await exported(samples, 'csv');
    expect(text('annotations.csv')?.match(/^.*a\.jpg/gm)).toEqual(['a.jpg', '/other/a.jpg']);
  });

  it('never leave the folder', async () => {
    const root = await newFolder();
    const sample = { ...(await fileSample(root, 1, 'a.jpg', 'A')), name: '../../x/./a.jpg' };
    const { files } = await exported([sample], 'jsonl', { images: 'copy' });
    expect(files.get('images/__/__/x/a.jpg')?.toString()).toBe('A');
  });

  it('are opened by their bytes where these are no text', async () => {
    const root = await newFolder();
    const bytes = Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff]), Buffer.from('.jpg')]);
    await writeFile(bytes, 'A');
    const sample = sampleOf(1, '\\xff.jpg', { file: { path: `${root}/\\xff.jpg`, bytes } });
    const { text } = await exported([sample], 'coco', { images: 'copy' });
    expect(text('images/\\xff.jpg')).toBe('A');
  });

  it('may be links, which lead to the files', async () => {
    const root = await newFolder();
    const sample = await fileSample(root, 1, 'a.jpg', 'A');
    const { text, counts } = await exported([sample], 'yolo', { images: 'link' });
    expect(text('images/train/a.jpg')).toBe(`-> ${join(root, 'a.jpg')}`);
    expect(counts.images).toBe(1);
  });

  it('are counted and left out with their samples if they can not be read, or not be linked to', async () => {
    const gone = sampleOf(1, 'gone.jpg');
    const { files, counts } = await exported([gone], 'yolo', { images: 'copy' });
    expect([...files.keys()].sort()).toEqual(['.plimsoll-export.json', 'data.yaml']);
    expect(counts).toMatchObject({ samples: 0, skipped_samples: { file_unavailable: 1 } });

    const memory = memorySource();
    memory.put('memory:/s/a.jpg', Buffer.from('A'));
    const sample = sampleOf(1, 'a.jpg', { file: { path: 'memory:/s/a.jpg' } });
    const { open } = memory;
    expect((await exported([sample], 'jsonl', { images: 'link', open })).counts.skipped_samples).toEqual({
      file_unavailable: 1,
    });
    expect((await exported([sample], 'jsonl', { images: 'copy', open })).text('images/a.jpg')).toBe('A');
  });

  it('are left out if they end before the size that they had', async () => {
    const sample = await fileSample(await newFolder(), 1, 'a.jpg', 'whole');
    const open: ReturnType<typeof folderSource>['open'] = async (file) => ({
      ...(await folderSource().open(file)),
      size: 10,
    });
    const { files, counts } = await exported([sample], 'jsonl', { images: 'copy', open });
    expect(files.has('images/a.jpg')).toBe(false);
    expect(counts.skipped_samples).toEqual({ file_unavailable: 1 });
  });

  it('have the names of splits as folders, whatever these are', async () => {
    const root = await newFolder();
    const splits = ['../up', '.', 'a/b', '50%', '.hidden', 'x'.repeat(300)];
    const samples = await Promise.all(
      splits.map((split, index) => fileSample(root, index, `${index}.jpg`, split, { split })),
    );
    const { files } = await exported(samples, 'yolo', { images: 'copy' });
    expect(imagesIn(files, 'images/').map(([path]) => path)).toEqual(
      expect.arrayContaining([
        'images/%2e%2e%2fup/0.jpg',
        'images/%2e/1.jpg',
        'images/a%2fb/2.jpg',
        'images/50%25/3.jpg',
        'images/%2ehidden/4.jpg',
        expect.stringMatching(/^images\/x{60}~[0-9a-f]{8}\/5\.jpg$/),
      ]),
    );
  });
});

describe('a set of names', () => {
  it('finds what was added and nothing else', () => {
    const set = createNameSet();
    for (let number = 0; number < 20_000; number += 2) set.add(`name ${number}`);
    set.add('name 0');
    for (let number = 0; number < 20_000; number += 1) expect(set.has(`name ${number}`)).toBe(number % 2 === 0);
  });
});
