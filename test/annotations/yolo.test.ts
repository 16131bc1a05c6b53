import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isLabelName } from '../../core/annotations/formats/yolo/label-file.ts';
import { yolo } from '../../core/annotations/formats/yolo.ts';
import expected from './expected/labelformat.json' with { type: 'json' };
import { expectResumable, folderWith, readAll, stepsOf } from './format-files.ts';

const NAMES = 'names: [cat, dog]\n';

/** What the lines of one label file become. */
async function linesOf(
  lines: string | Buffer,
  { task, yaml = NAMES }: { task?: 'segment' | 'obb' | 'pose' | 'detect'; yaml?: string } = {},
) {
  const folder = folderWith({ 'data.yaml': `train: images\n${yaml}`, 'labels/a.txt': lines });
  const found = await readAll(yolo, join(folder, 'data.yaml'), { task });
  return {
    annotations: found.pieces[0]?.annotations,
    invalid: found.invalid.map(({ reason, line }) => [reason, line]),
  };
}

describe('where a dataset is', () => {
  it('reads every split of data.yaml with the names of its classes', async () => {
    const folder = folderWith({
      'data.yaml':
        'path: ../datasets/mine\ntrain: images/train\nvalid: [images/val]\ntest:\nnames: {0: cat, 7: "no"}\n',
      'labels/train/a.txt': '0 0.5 0.5 0.5 0.25\n',
      'labels/val/sub/b.txt': '7 0.5 0.5 1 1\n',
    });
    const { pieces, classes, invalid, bytes } = await readAll(yolo, join(folder, 'data.yaml'));
    expect(pieces).toMatchObject([
      {
        key: 'images/train/a',
        image: { name: 'images/train/a', anyExtension: true },
        split: 'train',
        unit: 'relative',
        annotations: [{ label: 'cat', bounding_box: [0.25, 0.375, 0.5, 0.25] }],
      },
      { key: 'images/val/sub/b', split: 'val', annotations: [{ label: 'no' }] },
    ]);
    expect(pieces[0]?.image?.paths).toEqual([join(folder, 'images/train/a'), join(folder, 'labels/train/a')]);
    expect(classes).toEqual([
      { name: 'cat', id: 0 },
      { name: 'no', id: 7 },
    ]);
    expect(invalid).toEqual([]);
    expect(bytes).toBe(33);
  });

  it('goes to the folder that "path" names if it is there', async () => {
    const folder = folderWith({
      'yaml/data.yaml': `path: ../mine\ntrain: images\n${NAMES}`,
      'mine/labels/a.txt': '1 0.5 0.5 1 1',
      'yaml/labels/b.txt': '1 0.5 0.5 1 1',
    });
    const { pieces } = await readAll(yolo, join(folder, 'yaml/data.yaml'));
    expect(pieces.map(({ key }) => key)).toEqual(['images/a']);
    expect(pieces[0]?.image?.paths?.[0]).toBe(join(folder, 'mine/images/a'));
  });

  it("takes Roboflow's ../train/images for train/images", async () => {
    const folder = folderWith({
      'data.yaml': `train: ../train/images\n${NAMES}`,
      'train/labels/a.txt': '1 0.5 0.5 1 1',
    });
    expect((await readAll(yolo, join(folder, 'data.yaml'))).pieces).toMatchObject([
      { key: 'train/images/a', split: 'train' },
    ]);
  });

  it('replaces only the last /images/ and reads equal names in several folders apart', async () => {
    const folder = folderWith({
      'images/data.yaml': `train: [a/images, b/images]\n${NAMES}`,
      'images/a/labels/one.txt': '0 0.5 0.5 1 1',
      'images/b/labels/one.txt': '1 0.5 0.5 1 1',
    });
    const { pieces } = await readAll(yolo, join(folder, 'images/data.yaml'));
    expect(pieces.map(({ key, annotations }) => [key, annotations?.[0]?.label])).toEqual([
      ['a/images/one', 'cat'],
      ['b/images/one', 'dog'],
    ]);
    expect(pieces[0]?.image?.paths?.[0]).toBe(join(folder, 'images/a/images/one'));
  });

  it('reads a file once if two splits name its folder, and gives it to the innermost', async () => {
    const folder = folderWith({
      'data.yaml': `train: images\nval: images\ntest: images/held\n${NAMES}`,
      'labels/a.txt': '0 0.5 0.5 1 1',
      'labels/held/b.txt': '0 0.5 0.5 1 1',
    });
    const { pieces } = await readAll(yolo, join(folder, 'data.yaml'));
    expect(pieces.map(({ key, split }) => [key, split])).toEqual([
      ['images/a', 'train'],
      ['images/held/b', 'test'],
    ]);
  });

  it('reads the images that a list names, with and without labels, each once', async () => {
    const folder = folderWith({
      'data.yaml': `train: train.txt\nval: lists/val.txt\n${NAMES}`,
      'train.txt': '\ufeff./images/a.png\r\n\r\nimages/none.jpg\r\nimages/a.png\r\n../out.jpg\r\n',
      'lists/val.txt': 'images/b.JPG\nimages/a.png\n',
      'labels/a.txt': '0 0.5 0.5 1 1',
      'labels/b.txt': '1 0.5 0.5 1 1',
    });
    const { pieces, invalid } = await readAll(yolo, join(folder, 'data.yaml'));
    expect(pieces.map(({ key, split, annotations }) => [key, split, annotations?.map(({ label }) => label)])).toEqual([
      ['images/a', 'train', ['cat']],
      ['images/none', 'train', undefined],
      ['lists/images/b', 'val', ['dog']],
      ['lists/images/a', 'val', ['cat']],
    ]);
    expect(pieces[2]?.image?.paths).toContain(join(folder, 'images/b'));
    expect(invalid).toMatchObject([{ reason: 'malformed', file: join(folder, 'train.txt'), line: 5 }]);
  });

  it('says which split names nothing, and fails if none does', async () => {
    const folder = folderWith({
      'data.yaml': `train: images\nval: elsewhere/images\n${NAMES}`,
      'bad.yaml': `train: elsewhere\n${NAMES}`,
      'labels/a.txt': '0 0.5 0.5 1 1',
    });
    const { pieces, invalid } = await readAll(yolo, join(folder, 'data.yaml'));
    expect(pieces).toHaveLength(1);
    expect(invalid).toMatchObject([
      { reason: 'unreadable_file', message: expect.stringContaining('elsewhere/images') },
    ]);
    await expect(readAll(yolo, join(folder, 'bad.yaml'))).rejects.toMatchObject({
      code: 'AnnotationsNotFound',
    });
    await expect(readAll(yolo, join(folder, 'none'))).rejects.toMatchObject({ code: 'AnnotationsNotFound' });
  });

  it('reads a folder without data.yaml: labels beside images, with their splits', async () => {
    const folder = folderWith({
      'classes.txt': 'cat\r\n__proto__\r\n',
      'labels/valid/a.txt': '1 0.5 0.5 1 1',
      'labels/b.txt': '0 0.5 0.5 1 1',
    });
    const { pieces, classes } = await readAll(yolo, folder);
    expect(pieces.map(({ key, split, annotations }) => [key, split, annotations?.[0]?.label])).toEqual([
      ['images/b', undefined, 'cat'],
      ['images/valid/a', 'val', '__proto__'],
    ]);
    expect(classes.map(({ name }) => name)).toEqual(['cat', '__proto__']);
  });

  it('reads label files beside the pictures, and numbers as labels where there are no names', async () => {
    const folder = folderWith({ 'a.txt': '3 0.5 0.5 1 1', 'train.txt': 'a.jpg', 'README.txt': 'Hello' });
    const { pieces, classes, invalid } = await readAll(yolo, folder);
    expect(pieces).toMatchObject([{ key: 'a', annotations: [{ label: '3' }] }]);
    expect(pieces[0]?.image?.paths?.[0]).toBe(join(folder, 'a'));
    expect([classes, invalid]).toEqual([[], []]);
  });

  it('takes the names of folders for labels if the task is to classify', async () => {
    const folder = folderWith({ 'data.yaml': NAMES, 'train/cat/a.jpg': '' });
    const { pieces } = await readAll(yolo, join(folder, 'data.yaml'), { task: 'classify' });
    expect(pieces).toMatchObject([{ split: 'train', annotations: [{ label: 'cat' }] }]);
  });

  it('knows texts that are no labels by their names', () => {
    expect(['a.txt', 'classes.txt', 'README.dataset.txt', 'a.jpg'].map(isLabelName)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('lines', () => {
  it('agrees with labelformat on boxes', async () => {
    const folder = folderWith({
      'data.yaml': `train: images\n${expected.yolo.names}`,
      'labels/a.txt': expected.yolo.lines,
    });
    const { pieces } = await readAll(yolo, join(folder, 'data.yaml'));
    const [width, height] = expected.size as [number, number];
    const boxes = pieces[0]?.annotations?.map(({ label, bounding_box: [x, y, w, h] = [0, 0, 0, 0] }) => ({
      label,
      xyxy: [x * width, y * height, (x + w) * width, (y + h) * height],
    }));
    expect(boxes?.map(({ label }) => label)).toEqual(expected.yolo.objects.map(({ label }) => label));
    for (const [index, { xyxy }] of expected.yolo.objects.entries())
      for (const [at, value] of xyxy.entries()) expect(boxes?.[index]?.xyxy[at]).toBeCloseTo(value, 6);
  });

  it('takes an empty file for a background image', async () => {
    expect(await linesOf('')).toEqual({ annotations: [], invalid: [] });
    expect(await linesOf('\n\r\n  \n')).toEqual({ annotations: [], invalid: [] });
  });

  it('reads confidences, commas, tabs, CRLF, a byte order mark and classes as floats', async () => {
    const { annotations, invalid } = await linesOf(
      '\ufeff0 0.5 0.5 1 1 0.75\r\n1,0.5,0.5,1,1\r\n1.0\t5e-1\t.5\t+1\t1.\r\n',
    );
    expect(annotations).toEqual([
      { label: 'cat', bounding_box: [0, 0, 1, 1], confidence: 0.75 },
      { label: 'dog', bounding_box: [0, 0, 1, 1] },
    ]);
    expect(invalid).toEqual([]);
  });

  it('keeps one of equal lines', async () => {
    expect((await linesOf('0 0.5 0.5 1 1\n0 0.5 0.5 1 1 0.5\n0 0.50 0.5 1 1\n')).annotations).toHaveLength(2);
  });

  it('leaves out lines that it can not read, and says why', async () => {
    const lines = [
      ['0 0.5 0.5 1', 'malformed'],
      ['cat 0.5 0.5 1 1', 'malformed'],
      ['0 0x1 0.5 1 1', 'malformed'],
      ['0.5 0.5 0.5 1 1', 'malformed'],
      ['0 0.5 0.5 1 1 1.5', 'malformed'],
      ['# a comment', 'malformed'],
      ['2 0.5 0.5 1 1', 'unknown_reference'],
      ['-1 0.5 0.5 1 1', 'unknown_reference'],
      ['0 nan 0.5 1 1', 'bad_geometry'],
      ['0 0.5 -inf 1 1', 'bad_geometry'],
      ['0 1e999 0.5 1 1', 'bad_geometry'],
      ['0 0.5 0.5 0 1', 'bad_geometry'],
      ['0 0.5 0.5 1 -1', 'bad_geometry'],
    ] as const;
    const { annotations, invalid } = await linesOf(`${lines.map(([line]) => line).join('\n')}\n1 0.5 0.5 1 1`);
    expect(invalid).toEqual(lines.map(([, reason], index) => [reason, index + 1]));
    expect(annotations).toEqual([{ label: 'dog', bounding_box: [0, 0, 1, 1] }]);
  });

  it('reads the lines around one that is not UTF-8', async () => {
    const { annotations, invalid } = await linesOf(
      Buffer.from('0 0.5 0.5 1 1\n0 0.5 0.5 1 \xe9\n1 0.5 0.5 1 1', 'latin1'),
    );
    expect(annotations).toHaveLength(2);
    expect(invalid).toEqual([['bad_encoding', 2]]);
  });

  it('stops telling of lines of a file that is something else', async () => {
    const { annotations, invalid } = await linesOf(`${'no labels\n'.repeat(5000)}0 0.5 0.5 1 1`);
    expect(annotations).toEqual([]);
    expect(invalid).toHaveLength(1001);
  });

  it.each([7, 9, 15])('asks for the task at a line of %d numbers', async (count) => {
    const line = `0 ${Array(count - 1)
      .fill('0.5')
      .join(' ')}`;
    await expect(linesOf(`0 0.5 0.5 1 1\n${line}`)).rejects.toMatchObject({
      code: 'AnnotationsUnclear',
      message: expect.stringMatching(/labels\/a\.txt: line 2 .*`--task segment`.*`--task obb`/),
    });
  });

  it('reads polygons', async () => {
    const { annotations, invalid } = await linesOf(
      '0 0 0 1 0 1 1\n0 0 0 1 0 1 1 0.5\n0 0 0 1 0\n0 0 0 1 0 0.5 0\n0 0 0 nan 0 1 1',
      {
        task: 'segment',
      },
    );
    const ring = [
      [0, 0],
      [1, 0],
      [1, 1],
    ];
    expect(annotations).toEqual([
      { label: 'cat', points: [ring] },
      { label: 'cat', points: [ring], confidence: 0.5 },
    ]);
    expect(invalid).toEqual([
      ['malformed', 3],
      ['bad_geometry', 4],
      ['bad_geometry', 5],
    ]);
  });

  it('reads oriented boxes', async () => {
    const { annotations, invalid } = await linesOf('1 0.5 0 1 0.5 0.5 1 0 0.5\n1 0 0 1 1 0 1\n', { task: 'obb' });
    expect(annotations).toEqual([
      {
        label: 'dog',
        points: [
          [
            [0.5, 0],
            [1, 0.5],
            [0.5, 1],
            [0, 0.5],
          ],
        ],
        oriented: true,
      },
    ]);
    expect(invalid).toEqual([['malformed', 2]]);
  });

  it('reads keypoints as the shape says, without a task', async () => {
    const yaml = `${NAMES}kpt_shape: [2, 3]\nflip_idx: [1, 0]\nkpt_names: {0: [nose, tail]}\n`;
    const { annotations, invalid } = await linesOf(
      '0 0.5 0.5 1 1 0.1 0.2 2 0 0 0\n0 0.5 0.5 1 1\n0 0.5 0.5 1 1 0.1 0.2 3 0 0 0',
      { yaml },
    );
    expect(annotations).toEqual([
      {
        label: 'cat',
        bounding_box: [0, 0, 1, 1],
        keypoints: [
          [0.1, 0.2, 2],
          [0, 0, 0],
        ],
      },
    ]);
    expect(invalid).toEqual([
      ['malformed', 2],
      ['malformed', 3],
    ]);
    const two = await linesOf('0 0.5 0.5 1 1 0.1 0.2 -1 -1', { yaml: `${NAMES}kpt_shape: [2, 2]\n` });
    expect(two.annotations?.[0]?.keypoints).toEqual([
      [0.1, 0.2, 2],
      [-1, -1, 0],
    ]);
  });

  it('keeps the names of keypoints', async () => {
    const yaml = `train: images\n${NAMES}kpt_shape: [1, 3]\nkpt_names: {1: [nose]}\n`;
    const folder = folderWith({ 'data.yaml': yaml, 'labels/a.txt': '' });
    expect((await readAll(yolo, folder)).classes).toEqual([
      { name: 'cat', id: 0 },
      { name: 'dog', id: 1, keypoints: ['nose'] },
    ]);
  });

  it('reads the confidences of predictions', async () => {
    const obb = await linesOf('1 0.5 0 1 0.5 0.5 1 0 0.5 0.25', { task: 'obb' });
    expect(obb.annotations).toMatchObject([{ confidence: 0.25, oriented: true }]);
    const yaml = `${NAMES}kpt_shape: [1, 3]\n`;
    const pose = await linesOf(
      '0 0.5 0.5 1 1 0.1 0.2 2 0.25\n0 0.5 0.5 1 1 0.1 0.2 2 0.25 1\n0 0.5 0.5 0 1 0.1 0.2 2',
      { yaml },
    );
    expect(pose.annotations).toMatchObject([{ confidence: 0.25, keypoints: [[0.1, 0.2, 2]] }]);
    expect(pose.invalid).toEqual([
      ['malformed', 2],
      ['bad_geometry', 3],
    ]);
    const segment = await linesOf('0 0 0 1 0 1 1 0 1 0.25', { task: 'segment' });
    expect(segment.annotations?.[0]?.points?.[0]).toHaveLength(4);
  });

  it('tells the value that is wrong', async () => {
    const folder = folderWith({
      'data.yaml': `train: images\n${NAMES}`,
      'labels/a.txt': '1.5 0.5 0.5 1 1,\n1 0.5 x 1 1',
    });
    const { invalid } = await readAll(yolo, folder);
    expect(invalid.map(({ message }) => message)).toEqual(['The class "1.5" is no index.', '"x" is no number.']);
  });

  it('asks for the shape of keypoints if only the task is known', async () => {
    await expect(linesOf('', { task: 'pose' })).rejects.toMatchObject({ code: 'AnnotationsUnclear' });
  });
});

describe('hostile files', () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'
    .split('')
    .map((key, index) => `${key}: &${key} [${Array(9).fill(`*${'abcdefghij'[index]}`).join(',')}]`)
    .join('\n')}\nnames: *j\n`;

  it.each([
    ['an alias bomb', bomb],
    ['lists without end', `names: ${'['.repeat(100_000)}`],
    ['broken YAML', 'names: [cat\ntrain: x: y\n'],
    ['names that are a text', 'names: cat\n'],
    ['names with an index that is none', 'names: {__proto__: cat}\n'],
    ['no map', '- cat\n'],
    ['a wrong shape of keypoints', 'names: [a]\nkpt_shape: [17, 4]\n'],
    ['too many classes', 'train: images\nnc: 999999999\n'],
    ['Latin-1', Buffer.from('names: [\xe9]\n', 'latin1')],
    ['a large file', `names: [cat]\n#${'x'.repeat(3 << 20)}`],
  ])('refuses %s', async (_, yaml) => {
    const folder = folderWith({ 'data.yaml': yaml });
    await expect(readAll(yolo, join(folder, 'data.yaml'))).rejects.toMatchObject({
      code: 'AnnotationsBroken',
    });
  });

  it('takes __proto__, emoji and line ends for names', async () => {
    const folder = folderWith({
      'data.yaml': 'train: images\nnames: ["__proto__", "🐈", "a\\nb", 007, true]\n',
      'labels/a.txt': '0 0.5 0.5 1 1',
    });
    expect((await readAll(yolo, folder)).classes.map(({ name }) => name)).toEqual([
      '__proto__',
      '🐈',
      'a\nb',
      '007',
      'true',
    ]);
  });

  it('passes over pipes and folders that are called like label files', async () => {
    const folder = folderWith({
      'data.yaml': `train: images\nval: val.txt\n${NAMES}`,
      'val.txt': 'other/images/pipe.jpg\nother/images/folder.jpg\n',
      'labels/a.txt': '0 0.5 0.5 1 1',
      'other/labels/x': '',
    });
    for (const name of ['labels/pipe.txt', 'other/labels/pipe.txt']) execFileSync('mkfifo', [join(folder, name)]);
    for (const name of ['labels/folder.txt', 'other/labels/folder.txt']) await mkdir(join(folder, name));
    const { pieces, invalid } = await readAll(yolo, folder);
    // What the others say is unknown.
    expect(pieces.map(({ key }) => key)).toEqual(['images/a']);
    expect(invalid.map(({ reason }) => reason)).toEqual(['unreadable_file', 'unreadable_file']);
  });

  it('does not read a label file of many megabytes', async () => {
    const { annotations, invalid } = await linesOf('0 0.5 0.5 1 1\n'.repeat(700_000));
    expect(annotations).toBeUndefined();
    expect(invalid).toEqual([['unreadable_file', undefined]]);
  });
});

it('goes on behind each step, over splits and lists', async () => {
  const contents: Record<string, string> = {
    'data.yaml': `train: images/train\nval: images/val\ntest: test.txt\n${NAMES}`,
  };
  for (let index = 0; index < 1300; index++)
    contents[`labels/${index % 3 === 0 ? 'val' : 'train'}/${index}.txt`] = `${index % 3} 0.5 0.5 1 1`;
  contents['test.txt'] = Array.from({ length: 1500 }, (_, index) => `test/images/${index}.jpg`).join('\n');
  const folder = folderWith(contents);
  expect((await expectResumable(yolo, folder)).length).toBeGreaterThanOrEqual(3);
  for await (const { pieces } of stepsOf(yolo, folder)) expect(pieces.length).toBeLessThanOrEqual(1000);
});
