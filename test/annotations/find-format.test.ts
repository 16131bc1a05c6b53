import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findBesideImages, findFormat } from '../../core/annotations/find-format.ts';
import { annotationFiles } from '../../core/annotations/reading/annotation-files.ts';
import { memorySource } from '../../core/sources/memory/memory-source.ts';
import { createSources } from '../../core/sources/source.ts';
import { files, folderWith } from './format-files.ts';

const COCO =
  '{"info": {"images": 1}, "images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [], "categories": []}';
const VOC = '<annotation><filename>a.jpg</filename></annotation>';
const CVAT = '<?xml version="1.0"?>\n<!-- <annotation> -->\n<annotations><version>1.1</version></annotations>';
const YOLO = 'train: images\nnames: [cat]\n';

describe('a file', () => {
  it.each([
    ['data.yaml', YOLO, 'yolo'],
    ['any.yml', '"names": {0: a}\n', 'yolo'],
    ['a.json', COCO, 'coco'],
    ['a.json', `\ufeff{"images": [{"id": 1, "file_name": "${'x'.repeat(100_000)}`, 'coco'],
    ['a.json', '[{"image_id": 1, "category_id": 2, "bbox": [1, 2, 3, 4], "score": 0.5}]', 'coco'],
    ['a.json', '[{"id": 1, "annotations": [{"result": []}], "data": {"image": "a.jpg"}}]', 'labelstudio'],
    ['a.json', '{"version": "5", "shapes": [], "imagePath": "a.jpg", "imageData": null}', 'labelme'],
    ['a.json', `{"shapes": [{"label": "a}", "points": [${'[1, 2], '.repeat(20_000)}`, 'labelme'],
    ['a.xml', VOC, 'voc'],
    ['a.XML', CVAT, 'cvat'],
    ['metadata.csv', '\ufefffile_name,label\na.jpg,cat\n', 'huggingface'],
    ['metadata.csv', '"file_name";label\n', 'huggingface'],
    ['metadata.csv', 'path,label\n', 'csv'],
    ['metadata.jsonl', '{"file_name": "a.jpg"}\n', 'huggingface'],
    ['metadata.jsonl', '{"objects": {"file_name": 1}}\n', 'jsonl'],
    ['labels.csv', 'file_name,label\n', 'csv'],
    ['labels.ndjson', '{}', 'jsonl'],
  ] as const)('%s: %.60s is %s', async (name, content, format) => {
    const path = join(folderWith({ [name]: content }), name);
    expect(await findFormat(files, path)).toEqual({ format, path });
  });

  it.each([
    ['a.json', '{"images": 1, "shapes": 2}'],
    ['a.json', '{"x": {"images": [], "annotations": []}}'],
    ['a.json', 'no JSON'],
    ['a.json', ''],
    ['a.xml', '<annotations/>'],
    ['a.xml', '<svg/>'],
    ['a.yaml', 'train: x\n nested:\n  names: [a]\n'],
    ['a.txt', '0 0.5 0.5 1 1'],
  ])('%s: %s is not certain', async (name, content) => {
    const path = join(folderWith({ [name]: content }), name);
    await expect(findFormat(files, path)).rejects.toMatchObject({
      code: 'AnnotationsUnclear',
      message: expect.stringContaining('--annotation-format'),
    });
    expect(await findFormat(files, path, 'coco')).toEqual({ format: 'coco', path });
  });

  it('has to be there, and no archive', async () => {
    const folder = folderWith({ 'a.zip': 'PK' });
    await expect(findFormat(files, join(folder, 'none.json'), 'coco')).rejects.toMatchObject({
      code: 'AnnotationsNotFound',
    });
    await expect(findFormat(files, join(folder, 'a.zip'), 'coco')).rejects.toMatchObject({
      code: 'AnnotationsUnclear',
      message: expect.stringContaining('unpack it'),
    });
    execFileSync('mkfifo', [join(folder, 'pipe.json')]);
    await expect(findFormat(files, join(folder, 'pipe.json'))).rejects.toMatchObject({ code: 'AnnotationsNotFound' });
  });
});

describe('a folder', () => {
  it.each([
    ['yolo', 'data.yaml', { 'data.yaml': YOLO, 'labels/a.txt': '0 0.5 0.5 1 1' }],
    ['yolo', '', { 'labels/a.txt': '0 0.5 0.5 1 1\n', 'classes.txt': 'cat', 'images/a.jpg': '' }],
    ['yolo', '', { 'a.txt': '0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8' }],
    ['voc', '', { 'Annotations/a.xml': VOC, 'ImageSets/Main/train.txt': 'a' }],
    ['voc', '', { 'a.xml': VOC, 'b.xml': VOC }],
    ['cvat', 'annotations.xml', { 'annotations.xml': CVAT, 'images/a.jpg': '' }],
    ['coco', '', { 'annotations/instances.json': COCO }],
    ['coco', '', { 'train/_annotations.coco.json': COCO, 'valid/_annotations.coco.json': COCO }],
    ['labelme', '', { 'a.json': '{"shapes": [], "imagePath": "a.jpg"}' }],
    ['huggingface', '', { 'metadata.csv': 'file_name,label\n', 'a.jpg': '' }],
    ['huggingface', '', { 'train/metadata.jsonl': '{"file_name": "a.jpg"}' }],
  ] as const)('of %s is known (%#)', async (format, name, contents) => {
    const folder = folderWith(contents);
    expect(await findFormat(files, folder)).toEqual({ format, path: join(folder, name) });
  });

  it.each([
    ['nothing', { 'cat/a.jpg': '' }, /no file in it/],
    ['words', { 'notes.txt': 'Call me', 'b.csv': 'x' }, /1 \.csv.*1 \.txt|1 \.txt.*1 \.csv/],
    ['a table too deep', { 'a/b/metadata.csv': 'file_name\n' }, /1 \.csv/],
    ['two formats', { 'Annotations/a.xml': VOC, 'labels/a.txt': '0 0.5 0.5 1 1' }, /voc .* or yolo|yolo .* or voc/],
  ])('with %s is not certain', async (_, contents, message) => {
    const folder = folderWith(contents);
    const found = findFormat(files, folder);
    await expect(found).rejects.toMatchObject({ code: 'AnnotationsUnclear', message: expect.stringMatching(message) });
    await expect(found).rejects.toThrow('--annotation-format');
    expect(await findFormat(files, folder, 'folders')).toEqual({ format: 'folders', path: folder });
  });

  it('is known by settings behind thousands of other files', async () => {
    const source = memorySource();
    source.put('memory:/set/data.yaml', Buffer.from(YOLO));
    for (let index = 0; index < 6000; index++)
      source.put(`memory:/set/annotations/${index}.txt`, Buffer.from('0 0.5 0.5 1 1'));
    const found = await findFormat(annotationFiles(createSources([source])), 'memory:/set');
    expect(found).toEqual({ format: 'yolo', path: 'memory:/set/data.yaml' });
  });
});

describe('beside images', () => {
  it.each([
    [undefined, '', { 'a.jpg': '', 'labels/a.txt': '0 0.5 0.5 1 1', 'other.json': COCO }],
    [undefined, '', { 'data.yaml': 'names: [a]\n', 'metadata.csv': 'path\n', 'Annotations/a.xml': '<svg/>' }],
    ['yolo', 'data.yaml', { 'data.yaml': YOLO }],
    ['huggingface', 'metadata.jsonl', { 'metadata.jsonl': '{"file_name": "a.jpg"}' }],
    ['voc', '', { 'Annotations/a.xml': VOC, 'JPEGImages/a.jpg': '' }],
    ['coco', '_annotations.coco.json', { '_annotations.coco.json': COCO }],
    ['coco', 'valid/_annotations.coco.json', { 'valid/_annotations.coco.json': COCO }],
    ['coco', '', { 'train/_annotations.coco.json': COCO, 'test/_annotations.coco.json': COCO }],
  ] as const)('%s is certain (%#)', async (format, name, contents) => {
    const folder = folderWith(contents);
    expect(await findBesideImages(files, folder)).toEqual(
      format === undefined ? undefined : { format, path: join(folder, name) },
    );
  });

  it('asks which of several is meant', async () => {
    const folder = folderWith({ 'data.yaml': YOLO, '_annotations.coco.json': COCO });
    await expect(findBesideImages(files, folder)).rejects.toMatchObject({
      code: 'AnnotationsUnclear',
      message: expect.stringMatching(/yolo.*coco.*`--annotations PATH`.*`--annotations none`/),
    });
  });
});
