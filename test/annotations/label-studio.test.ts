import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { labelstudio } from '../../core/annotations/formats/labelstudio.ts';
import { expectResumable, folderWith, readAll } from './format-files.ts';

const task = (result: unknown[], more: object = {}) => ({
  id: 1,
  data: { image: '/data/upload/1/0123abcd-a.jpg' },
  annotations: [{ id: 5, was_cancelled: false, ground_truth: false, result }],
  ...more,
});
const readTasks = (tasks: unknown) => readJson(JSON.stringify(tasks));
const readJson = (content: string | Uint8Array) =>
  readAll(labelstudio, join(folderWith({ 'export.json': content }), 'export.json'));

const region = (type: string, value: object, more: object = {}) => ({
  type,
  from_name: 'label',
  to_name: 'image',
  original_width: 200,
  original_height: 100,
  image_rotation: 0,
  value,
  ...more,
});
const readResults = async (...results: unknown[]) => {
  const { pieces, invalid } = await readTasks([task(results)]);
  return { annotations: pieces.flatMap((piece) => piece.annotations ?? []), invalid };
};

describe("Label Studio's export", () => {
  it('has shapes in percent of the picture', async () => {
    const { pieces, invalid } = await readTasks([
      task([
        region('rectanglelabels', {
          x: 10,
          y: 20,
          width: 30,
          height: 40,
          rotation: 0,
          rectanglelabels: ['cat', '🐈\n'],
        }),
        region('polygonlabels', {
          points: [
            [0, 0],
            [50, 0],
            [50, 100],
          ],
          closed: true,
          polygonlabels: ['__proto__'],
        }),
        region('keypointlabels', { x: 25, y: 75, width: 0.5, keypointlabels: ['nose'] }),
        region('rectangle', { x: 0, y: 0, width: 100, height: 100 }),
      ]),
    ]);
    expect(invalid).toEqual([]);
    expect(pieces).toMatchObject([
      {
        key: '1',
        image: { name: '0123abcd-a.jpg', width: 200, height: 100 },
        annotations: [
          { label: 'cat', bounding_box: [0.1, 0.2, 0.3, 0.4] },
          { label: '🐈\n', bounding_box: [0.1, 0.2, 0.3, 0.4] },
          {
            label: '__proto__',
            points: [
              [
                [0, 0],
                [0.5, 0],
                [0.5, 1],
              ],
            ],
          },
          { label: 'nose', keypoints: [[0.25, 0.75, 2]] },
          { bounding_box: [0, 0, 1, 1] },
        ],
      },
    ]);
    expect(pieces[0]?.unit ?? 'relative').toBe('relative');
  });

  it('turns a box in pixels about its left top corner, clockwise', async () => {
    const { annotations } = await readResults(
      region('rectanglelabels', { x: 50, y: 10, width: 20, height: 10, rotation: 90, rectanglelabels: ['a'] }),
    );
    // 40 x 10 pixels at (100, 10). Its width now points down, and its height to the left.
    const expected = [
      [0.5, 0.1],
      [0.5, 0.5],
      [0.45, 0.5],
      [0.45, 0.1],
    ];
    expect(annotations).toMatchObject([{ label: 'a', oriented: true }]);
    annotations[0]?.points?.[0]?.forEach(([x, y], corner) => {
      expect(x).toBeCloseTo(expected[corner]?.[0] ?? Number.NaN);
      expect(y).toBeCloseTo(expected[corner]?.[1] ?? Number.NaN);
    });
    expect(annotations[0]?.points?.[0]).toHaveLength(4);
  });

  it('makes a polygon of an ellipse', async () => {
    const { annotations } = await readResults(
      region('ellipselabels', { x: 50, y: 50, radiusX: 20, radiusY: 10, rotation: 90, ellipselabels: ['e'] }),
    );
    const [ring = []] = annotations[0]?.points ?? [];
    expect(ring).toHaveLength(32);
    // 40 x 10 pixels, upright.
    expect(Math.max(...ring.map(([x]) => x * 200))).toBeCloseTo(110);
    expect(Math.max(...ring.map(([, y]) => y * 100))).toBeCloseTo(90);
  });

  const brushes = JSON.parse(readFileSync(new URL('label-studio-brush/expected.json', import.meta.url), 'utf8')) as {
    name: string;
    width: number;
    height: number;
    rle: number[];
    counts: string;
  }[];
  it.each(brushes)('has the mask of a brush: $name', async ({ width, height, rle, counts }) => {
    const size = { original_width: width, original_height: height };
    const { annotations } = await readResults(region('brushlabels', { format: 'rle', rle, brushlabels: ['b'] }, size));
    expect(annotations).toEqual([{ label: 'b', mask: { size: [height, width], counts } }]);
    for (const wrong of [rle.slice(0, -2), rle.with(3, (rle[3] ?? 0) + 4), ['a'], 7])
      expect((await readResults(region('brushlabels', { rle: wrong }, size))).invalid).toMatchObject([
        { reason: 'malformed', message: expect.stringContaining('RLE') },
      ]);
  });

  it('joins answers with the region that they are about', async () => {
    const box = { x: 10, y: 20, width: 30, height: 40 };
    const { annotations } = await readResults(
      region('rectangle', box, { id: 'r1' }),
      region('labels', { ...box, labels: ['car'] }, { id: 'r1' }),
      region('textarea', { ...box, text: ['AB 123'] }, { id: 'r1', from_name: 'plate' }),
      region('choices', { ...box, choices: ['red', 'old'] }, { id: 'r1', from_name: 'looks' }),
      region('choices', { choices: ['day', 'street'] }, { id: 'c', from_name: 'scene' }),
      region('textarea', { text: 'A street.' }, { id: 't' }),
      { type: 'relation', from_id: 'r1', to_id: 'r1' },
    );
    expect(annotations).toEqual([
      { label: 'car', bounding_box: [0.1, 0.2, 0.3, 0.4], caption: 'AB 123', attributes: { looks: 'red, old' } },
      { label: 'day' },
      { label: 'street' },
      { caption: 'A street.' },
    ]);
  });

  const choice = (name: string) => [region('choices', { choices: [name] })];
  it.each([
    [
      'the ground truth',
      [{ result: choice('a') }, { result: choice('b'), ground_truth: true }, { result: choice('c') }],
      'b',
    ],
    [
      'the latest',
      [
        { result: choice('a'), updated_at: '2024-05-02T00:00:00Z' },
        { result: choice('b'), updated_at: '2024-05-03T00:00:00Z' },
        { result: choice('c'), updated_at: '2024-05-01T00:00:00Z' },
      ],
      'b',
    ],
    ['the last of equals', [{ result: choice('a') }, { result: choice('b') }], 'b'],
    [
      'none that was cancelled',
      [{ result: choice('a') }, { result: choice('b'), was_cancelled: true, ground_truth: true }],
      'a',
    ],
    ['nothing of a task that was skipped', [{ result: choice('a'), was_cancelled: true }], undefined],
  ])('takes %s of several annotations, and no prediction', async (_, annotations, label) => {
    const { pieces } = await readTasks([task([], { annotations, predictions: [{ result: choice('p') }] })]);
    expect(pieces.flatMap((piece) => piece.annotations ?? []).map((one) => one.label)).toEqual(label ? [label] : []);
  });

  it.each([
    [{ image: '/data/upload/1/0123abcd-a b.jpg' }, '0123abcd-a b.jpg', ['/0123abcd-a b.jpg', '/a b.jpg'], ['a b.jpg']],
    [{ image: '/data/local-files/?d=folder%20one/a.jpg' }, 'folder one/a.jpg', ['/folder one/a.jpg']],
    [{ image: 'https://example.com/x/a%20b.jpg?sign=1/2' }, 'a b.jpg', ['/a b.jpg']],
    [{ image: 's3://bucket/x/a.jpg' }, 'a.jpg', ['s3://bucket/x/a.jpg', '/a.jpg']],
    [{ photo: 'x/100%.jpg', text: 'words' }, '100%.jpg', ['/100%.jpg']],
    [{ image: '/x/0123abcd-a.jpg' }, '0123abcd-a.jpg', ['/0123abcd-a.jpg']],
  ])('names the image of %j', async (data, name, paths, ...[otherNames]) => {
    const folder = folderWith({ 'export.json': JSON.stringify([task([], { data })]) });
    const { pieces } = await readAll(labelstudio, join(folder, 'export.json'));
    expect(pieces[0]?.image).toEqual({
      name,
      paths: paths.map((path) => (path.startsWith('/') ? folder + path : path)),
      ...(otherNames && { otherNames }),
    });
  });

  it.each([
    [region('rectanglelabels', { x: 1, y: 1, width: 0, height: 5 }), 'bad_geometry'],
    [region('rectanglelabels', { x: '?', y: 1, width: 1, height: 5 }), 'malformed'],
    [
      region('rectanglelabels', { x: 1, y: 1, width: 1, height: 5, rotation: 5 }, { original_width: 0 }),
      'unknown_size',
    ],
    [region('rectanglelabels', { x: 1, y: 1, width: 1, height: 5 }, { image_rotation: 90 }), 'unsupported'],
    [
      region('polygonlabels', {
        points: [
          [1, 1],
          [2, 2],
        ],
      }),
      'bad_geometry',
    ],
    [region('polygonlabels', { points: [[1, 1], [2, 2], [3]] }), 'malformed'],
    [
      region('polygonlabels', {
        points: [
          [1, 1],
          [2, 2],
          [3, 1],
        ],
        closed: false,
      }),
      'malformed',
    ],
    [region('rating', { rating: 5 }), 'unsupported'],
    [region('bitmasklabels', { imageDataURL: '', bitmasklabels: ['x'] }), 'unsupported'],
    [{ type: 'choices' }, 'malformed'],
    [null, 'malformed'],
  ])('leaves out the result %j and keeps the others', async (result, reason) => {
    const { annotations, invalid } = await readResults(result, region('choices', { choices: ['a'] }));
    expect(invalid).toMatchObject([{ reason, line: 1 }]);
    expect(annotations).toEqual([{ label: 'a' }]);
  });

  it('leaves out broken tasks and keeps the others', async () => {
    const good = JSON.stringify(task([]));
    const { pieces, invalid } = await readJson(
      `\uFEFF[\n7,\n{"id": 2},\n{"id": 3, "data": {"image": "data:image/png;base64,AA"}},\n{"id": 4, "data": {"image": "a.jpg"}, "annotations": 5},\n{"id": nope},\n${good}]`,
    );
    expect(invalid.map(({ reason, line }) => [reason, line])).toEqual([
      ['malformed', 2],
      ['unknown_reference', 3],
      ['unknown_reference', 4],
      ['malformed', 5],
      ['malformed', 6],
    ]);
    expect(pieces.map(({ key }) => key)).toEqual(['1']);
  });

  it.each([
    ['{"images": []}', 'no list of tasks'],
    ['[{"id": 1}', 'ends too early'],
    ['', 'line 1, column 1'],
    [Buffer.from('\uFEFF[]', 'utf16le'), 'UTF-16'],
  ])('is broken as a whole: %j', async (content, what) => {
    await expect(readJson(content)).rejects.toMatchObject({
      code: 'AnnotationsBroken',
      message: expect.stringContaining(what),
    });
  });

  it('is read on behind every step', async () => {
    const tasks = Array.from({ length: 3_300 }, (_, n) =>
      n % 900 === 3 ? { id: n } : { ...task(choice(`é${n}`.repeat(40))), id: n % 2 === 0 ? n : undefined },
    );
    const path = join(folderWith({ 'export.json': JSON.stringify(tasks, undefined, 1) }), 'export.json');
    expect((await expectResumable(labelstudio, path)).length).toBeGreaterThan(2);
  });
});
