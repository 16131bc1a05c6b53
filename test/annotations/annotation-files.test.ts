import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findFormat } from '../../core/annotations/find-format.ts';
import type { AnnotationFormatName } from '../../core/annotations/formats/format.ts';
import { formatOf } from '../../core/annotations/formats/index.ts';
import { planAnnotations } from '../../core/annotations/plan.ts';
import type { AnnotationFiles, NamedFile } from '../../core/annotations/reading/annotation-files.ts';
import { FileUnavailableError } from '../../core/sources/source.ts';
import { expectResumable, files, folderWith, joined, readAll, stepsOf } from './format-files.ts';

const COCO = (label: string) =>
  JSON.stringify({
    images: [{ id: 1, file_name: `${label}.jpg` }],
    annotations: [{ id: 1, image_id: 1, category_id: 1 }],
    categories: [{ id: 1, name: label }],
  });
const VOC = (label: string) =>
  `<annotation><filename>${label}.jpg</filename><object><name>${label}</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></object></annotation>`;
const LABELME = (label: string) =>
  JSON.stringify({ imagePath: `${label}.jpg`, shapes: [{ label, shape_type: 'point', points: [[1, 2]] }] });
const METADATA = (label: string) => JSON.stringify({ file_name: `${label}.jpg`, label });

/** How each format of a folder names files, and what such a file says. */
const FORMATS: [AnnotationFormatName, (name: string) => string, (label: string) => string][] = [
  ['coco', (name) => `${name}.json`, COCO],
  ['voc', (name) => `${name}.xml`, VOC],
  ['labelme', (name) => `${name}.json`, LABELME],
  ['yolo', (name) => `labels/${name}.txt`, () => '0 0.5 0.5 1 1'],
  ['huggingface', (name) => `${name}/metadata.jsonl`, METADATA],
];

// Other systems have no such names.
describe.runIf(process.platform === 'linux')('a name that is not UTF-8', () => {
  it.each(FORMATS)('is that of a file of %s like any other', async (format, nameOf, contentOf) => {
    const folder = folderWith({ [nameOf('a')]: contentOf('cat'), [nameOf('z')]: contentOf('cat') });
    const name = Buffer.from(join(folder, nameOf('caf\xe9')), 'latin1');
    mkdirSync(name.subarray(0, name.lastIndexOf('/')), { recursive: true });
    writeFileSync(name, contentOf('cat'));
    const { pieces, invalid } = await readAll(formatOf(format), folder);
    expect(invalid).toEqual([]);
    expect(pieces.flatMap(({ annotations = [] }) => annotations)).toHaveLength(3);
    expect((await expectResumable(formatOf(format), folder)).length).toBeGreaterThan(0);
    expect(await findFormat(files, folder)).toMatchObject({ format });
  });
});

/** Files of which one can't be read: not at all, or not to its end. */
function withUnreadable(name: string, readable = 0): AnnotationFiles {
  const fail = () => {
    throw new FileUnavailableError('permission_denied', 'This server may not read the file.');
  };
  const isIt = (file: NamedFile) => (typeof file === 'string' ? file : file.path).endsWith(name);
  return {
    ...files,
    async read(file, most) {
      return isIt(file) ? fail() : files.read(file, most);
    },
    async head(file, bytes) {
      return isIt(file) && readable === 0 ? fail() : files.head(file, bytes);
    },
    async *stream(file, start = 0) {
      if (!isIt(file)) yield* files.stream(file, start);
      else if (readable > start) {
        for await (const bytes of files.stream(file, start)) yield bytes.subarray(0, readable - start);
        fail();
      } else fail();
    },
  };
}

describe('a file that can not be read', () => {
  it('of a folder of COCO stays a set of it: what it gave before is not gone', async () => {
    const folder = folderWith({ 'a.json': COCO('cat'), 'm.json': COCO('dog'), 'notes.json': '{}' });
    const asked = { field: 'ground_truth', paths: [folder], replace: false };
    const { sets } = await planAnnotations(withUnreadable('/m.json'), asked);
    expect(sets.map(({ path }) => path)).toEqual([join(folder, 'a.json'), join(folder, 'm.json')]);
  });

  it.each(FORMATS)('of a folder of %s is invalid, and the others are read', async (format, nameOf, contentOf) => {
    const folder = folderWith({
      [nameOf('a')]: contentOf('cat'),
      [nameOf('m')]: contentOf('dog'),
      [nameOf('z')]: contentOf('cow'),
    });
    const asked = { files: withUnreadable(nameOf('m')) };
    const { pieces, invalid } = await readAll(formatOf(format), folder, asked);
    expect(invalid).toEqual([
      { reason: 'unreadable_file', file: join(folder, nameOf('m')), message: 'This server may not read the file.' },
    ]);
    expect(pieces.flatMap(({ annotations = [] }) => annotations)).toHaveLength(2);
    await expectResumable(formatOf(format), folder, asked);
  });

  it.each<AnnotationFormatName>([
    'coco',
    'voc',
    'labelme',
    'csv',
    'jsonl',
    'huggingface',
    'labelstudio',
    'cvat',
    'yolo',
  ])('and was named itself ends the reading of %s with the reason', async (format) => {
    const folder = folderWith({ 'a.csv': 'x', 'gone.csv': '' });
    const broken = readAll(formatOf(format), join(folder, 'a.csv'), { files: withUnreadable('a.csv') });
    await expect(broken).rejects.toMatchObject({
      code: 'AnnotationsBroken',
      message: expect.stringMatching(/a\.csv: This server may not read the file/),
    });
    const gone = readAll(formatOf(format), join(folder, 'none.csv'));
    await expect(gone).rejects.toMatchObject({
      code: 'AnnotationsNotFound',
      message: expect.stringContaining('none.csv'),
    });
  });

  it('further than its beginning is read so far, and the next ones are', async () => {
    const images = Array.from({ length: 20_000 }, (_, id) => ({ id, file_name: `some/folder/of/images/${id}.jpg` }));
    const long = JSON.stringify({ categories: [{ id: 1, name: 'cat' }], images, annotations: [] });
    const folder = folderWith({ 'a.json': long, 'b.json': COCO('dog') });
    // The survey ends at the annotations.
    let surveys = 0;
    const broken = withUnreadable('a.json', long.length - 100);
    const asked = {
      files: {
        ...files,
        stream: (file: NamedFile, start?: number) => (surveys++ === 0 ? files : broken).stream(file, start),
      },
    };
    const steps = await Array.fromAsync(stepsOf(formatOf('coco'), folder, asked));
    const { invalid, classes, pieces } = joined(steps);
    expect(invalid).toMatchObject([{ reason: 'unreadable_file', file: join(folder, 'a.json') }]);
    expect(classes.map(({ name }) => name)).toEqual(['cat', 'dog']);
    expect(pieces.length).toBeGreaterThan(10_000);
    expect(pieces.at(-1)).toMatchObject({ annotations: [{ label: 'dog' }] });
  });
});
