import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnnotationsStatus } from '../../contract/annotations.ts';
import type { AnnotateDatasetRequest, LoadDatasetRequest } from '../../contract/inputs.ts';
import type { JobStatus } from '../../contract/job.ts';
import { countClasses, countSplits } from '../../core/store/annotations.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import type { SampleDocument } from '../../core/store/documents.ts';
import { searchSamples } from '../../core/store/search-samples.ts';
import { drawPicture, makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
});
afterAll(() => bench?.stop());

interface CocoObject {
  image: number;
  label: string;
  bbox?: number[];
  [field: string]: unknown;
}

/** A COCO file: image n is picture n. Pictures are 64 x 48. */
function coco(images: readonly string[], objects: readonly CocoObject[]): string {
  const labels = [...new Set(objects.map(({ label }) => label))];
  return JSON.stringify({
    images: images.map((file_name, id) => ({ id, file_name, width: 64, height: 48 })),
    categories: labels.map((name, n) => ({ id: 10 * (n + 1), name })),
    annotations: objects.map(({ image, label, bbox = [16, 12, 32, 24], ...more }, id) => ({
      id,
      image_id: image,
      category_id: 10 * (labels.indexOf(label) + 1),
      bbox,
      area: 1,
      iscrowd: 0,
      ...more,
    })),
  });
}

const NAMES = [0, 1, 2, 3].map((n) => `picture-00000${n}.jpg`);
const TWO_CATS: CocoObject[] = [
  { image: 0, label: 'cat' },
  { image: 0, label: 'dog', bbox: [0, 0, 64, 48] },
  { image: 1, label: 'cat' },
];

/** A folder of four pictures, and a place for annotations beside it. */
async function newFolder() {
  const dataset = bench.newDataset();
  const source = join(bench.folder, dataset, 'photos');
  await makePictures(source, 4);
  const labels = join(bench.folder, dataset, 'labels.json');
  const write = (text: string, path = labels) => writeFile(path, text);
  const load = (more: Partial<LoadDatasetRequest> = {}) =>
    bench.load({ dataset, source, embed: false, annotations: { paths: [labels] }, ...more });
  const annotate = async (request: Omit<AnnotateDatasetRequest, 'dataset'>): Promise<JobStatus> =>
    bench.wait((await bench.annotate({ dataset, ...request })).job_id);
  return { dataset, source, labels, write, load, annotate, other: (name: string) => join(bench.folder, dataset, name) };
}

const samplesOf = (dataset: string): Promise<SampleDocument[]> =>
  collectionsOf(bench.store).samples.find({ dataset_id: dataset }).sort({ filepath: 1 }).toArray();

/** The objects of a field of each sample, in the order of the paths. */
const objectsOf = async (dataset: string, field = 'ground_truth') =>
  (await samplesOf(dataset)).map(({ annotations }) =>
    annotations?.[field] === undefined
      ? undefined
      : Object.values(annotations[field].sets).flatMap(({ objects }) => objects),
  );

const labelsOf = async (dataset: string, field?: string) =>
  (await objectsOf(dataset, field)).map((objects) => objects?.map(({ label, caption }) => label ?? caption));

function completed(status: JobStatus): AnnotationsStatus {
  expect(status).toMatchObject({ state: 'completed', error: null });
  return status.annotations as AnnotationsStatus;
}

describe('a load with annotations', () => {
  it('gives each sample what the file says of it, and says what it found', async () => {
    const { dataset, labels, write, load } = await newFolder();
    await write(coco([...NAMES.slice(0, 3), 'elsewhere.jpg'], [...TWO_CATS, { image: 3, label: 'owl' }]));
    const status = completed(await load());
    expect(status).toMatchObject({
      state: 'completed',
      field: 'ground_truth',
      paths: [{ path: labels, format: 'coco' }],
      found: false,
      objects: 4,
      matched: 3,
      changed: 3,
      removed: 0,
      without_annotations: 1,
      without_sample: 1,
      without_sample_names: ['elsewhere.jpg'],
      clipped: 0,
      outside: 0,
      invalid: {},
    });
    expect(await objectsOf(dataset)).toEqual([
      [
        { label: 'cat', bounding_box: [0.25, 0.25, 0.5, 0.5] },
        { label: 'dog', bounding_box: [0, 0, 1, 1] },
      ],
      [{ label: 'cat', bounding_box: [0.25, 0.25, 0.5, 0.5] }],
      // Nothing is on it: it is annotated all the same.
      [],
      undefined,
    ]);
    expect(await countClasses(bench.store, dataset)).toEqual([
      { field: 'ground_truth', name: 'cat', samples: 2, objects: 2 },
      { field: 'ground_truth', name: 'dog', samples: 1, objects: 1 },
    ]);
  });

  it('finds what certainly are annotations in the folder, and reads none where that is asked for', async () => {
    const { dataset, source, load } = await newFolder();
    const lines = NAMES.map((file_name, n) => JSON.stringify({ file_name, label: n < 2 ? 'day' : 'night' }));
    await writeFile(join(source, 'metadata.jsonl'), lines.join('\n'));
    expect((await load({ annotations: 'none' })).annotations).toBeUndefined();
    const status = completed(await load({ annotations: undefined }));
    expect(status).toMatchObject({ found: true, paths: [{ format: 'huggingface' }], matched: 4 });
    expect(await labelsOf(dataset)).toEqual([['day'], ['day'], ['night'], ['night']]);
  });

  it('writes nothing when nothing has changed', async () => {
    const { dataset, write, load } = await newFolder();
    await write(coco(NAMES, TWO_CATS));
    await load();
    const before = await samplesOf(dataset);
    expect(completed(await load())).toMatchObject({ matched: 4, changed: 0, removed: 0 });
    expect(await samplesOf(dataset)).toEqual(before);
  });

  it('changes the sample whose annotation was edited, and no other', async () => {
    const { dataset, write, load } = await newFolder();
    await write(coco(NAMES, TWO_CATS));
    await load();
    const before = await samplesOf(dataset);
    await write(coco(NAMES, [...TWO_CATS.slice(0, 2), { image: 1, label: 'fox' }]));
    expect(completed(await load())).toMatchObject({ changed: 1, removed: 0 });
    const after = await samplesOf(dataset);
    expect(await labelsOf(dataset)).toEqual([['cat', 'dog'], ['fox'], [], []]);
    expect([after[0], ...after.slice(2)]).toEqual([before[0], ...before.slice(2)]);
  });

  it('takes away what the file no longer says', async () => {
    const { dataset, write, load } = await newFolder();
    await write(coco(NAMES, TWO_CATS));
    await load();
    await write(coco(NAMES.slice(0, 1), TWO_CATS.slice(0, 1)));
    expect(completed(await load())).toMatchObject({ matched: 1, changed: 1, removed: 3, without_annotations: 3 });
    expect(await labelsOf(dataset)).toEqual([['cat'], undefined, undefined, undefined]);
    expect(await countClasses(bench.store, dataset)).toMatchObject([{ name: 'cat', objects: 1 }]);
  });

  it('joins what several files say of one image', async () => {
    const { dataset, write, load, labels, other } = await newFolder();
    await write(coco(NAMES, TWO_CATS));
    const captions = other('captions.json');
    const images = NAMES.slice(0, 2).map((file_name, id) => ({ id, file_name, width: 64, height: 48 }));
    const annotations = [{ id: 1, image_id: 1, caption: 'A cat in the snow.' }];
    await write(JSON.stringify({ images, annotations }), captions);
    const both = { annotations: { paths: [labels, captions] } };
    expect(completed(await load(both))).toMatchObject({ matched: 4, objects: 4, changed: 6 });
    expect(await labelsOf(dataset)).toEqual([['cat', 'dog'], ['cat', 'A cat in the snow.'], [], []]);
    expect(completed(await load(both))).toMatchObject({ matched: 4, changed: 0 });
    // The second file no longer says anything of the second image; the first one does.
    await write(JSON.stringify({ images: images.slice(0, 1), annotations: [] }), captions);
    expect(completed(await load(both))).toMatchObject({ changed: 0, removed: 1 });
    expect(await labelsOf(dataset)).toEqual([['cat', 'dog'], ['cat'], [], []]);
  });

  it('joins the files of COCO in a folder', async () => {
    const { dataset, write, load, other } = await newFolder();
    await mkdir(other('coco'));
    await write(coco(NAMES, TWO_CATS), other('coco/instances.json'));
    const images = [{ id: 7, file_name: NAMES[1], width: 64, height: 48 }];
    const annotations = [{ id: 1, image_id: 7, caption: 'A cat.' }];
    await write(JSON.stringify({ images, annotations }), other('coco/captions.json'));
    const status = completed(await load({ annotations: { paths: [other('coco')] } }));
    expect(status).toMatchObject({ matched: 4, invalid: {} });
    expect(status.paths.map(({ path }) => path)).toEqual([other('coco/captions.json'), other('coco/instances.json')]);
    expect(await labelsOf(dataset)).toEqual([['cat', 'dog'], ['A cat.', 'cat'], [], []]);
  });

  it('keeps the annotations of an image that was edited, and places them anew where its size changed', async () => {
    const { dataset, source, write, load } = await newFolder();
    await write(coco(NAMES, TWO_CATS));
    await load();
    await sharp(await drawPicture(9))
      .resize(48, 64, { fit: 'fill' })
      .withMetadata({ orientation: 6 })
      .toFile(join(source, NAMES[1] as string));
    // It is displayed as 64 x 48, which is what the file states.
    expect(completed(await load())).toMatchObject({ changed: 0 });
    expect((await objectsOf(dataset))[1]).toEqual([{ label: 'cat', bounding_box: [0.25, 0.25, 0.5, 0.5] }]);
  });

  it('fails before a sample is marked missing if a file of annotations is broken', async () => {
    const { dataset, source, write, load } = await newFolder();
    await write(coco(NAMES, TWO_CATS));
    await load();
    await write(coco(NAMES, TWO_CATS).slice(0, -20));
    await rm(join(source, NAMES[3] as string));
    const { state, error } = await load();
    expect(state).toBe('failed');
    expect(error).toMatchObject({ code: 'AnnotationsBroken', message: expect.stringMatching(/line 1, column \d+/) });
    expect((await samplesOf(dataset)).map(({ status }) => status)).not.toContain('missing');
    expect(await labelsOf(dataset)).toEqual([['cat', 'dog'], ['cat'], [], []]);
  });

  it('fails at once if there are no such annotations, or if their format may be several', async () => {
    const { load, other, write } = await newFolder();
    const missing = await load({ annotations: { paths: [other('nothing.json')] } });
    expect(missing.error).toMatchObject({ code: 'AnnotationsNotFound' });
    await write('{"a": 1}', other('some.json'));
    const unclear = await load({ annotations: { paths: [other('some.json')] } });
    expect(unclear.error).toMatchObject({
      code: 'AnnotationsUnclear',
      message: expect.stringContaining('--annotation-format'),
    });
  });

  it('is refused where the samples are documents', async () => {
    const { source, dataset, write, labels } = await newFolder();
    await write(coco(NAMES, []));
    await writeFile(join(source, 'a.md'), '# A document');
    const { error } = await bench.load({
      dataset,
      source,
      embed: false,
      media: 'text',
      annotations: { paths: [labels] },
    });
    expect(error).toMatchObject({ code: 'InvalidInput', message: expect.stringContaining('annotations:') });
  });
});

describe('images are found', () => {
  const oneObject = (file_name: string) => coco([file_name], [{ image: 0, label: 'cat' }]);

  it.each([
    ['by the path below the source', 'b/one.jpg'],
    ['with separators of Windows', 'b\\one.jpg'],
    ['by the path on another machine', '/home/somebody/data/b/one.jpg'],
    ['by a name that only one sample has', 'two.jpg'],
  ])('%s', async (_, name) => {
    const { dataset, source, write, load } = await newFolder();
    for (const [n, path] of ['a/one.jpg', 'b/one.jpg', 'b/two.jpg'].entries()) {
      await mkdir(join(source, path, '..'), { recursive: true });
      await writeFile(join(source, path), await drawPicture(20 + n));
    }
    await write(oneObject(name));
    expect(completed(await load())).toMatchObject({ matched: 1, without_sample: 0 });
    const [labelled] = (await samplesOf(dataset)).filter(({ annotations }) => annotations !== undefined);
    expect(labelled?.filepath.endsWith(name.split(/[\\/]/).slice(-2).join('/'))).toBe(true);
  });

  it('by no name that several samples have', async () => {
    const { dataset, source, write, load } = await newFolder();
    for (const [n, path] of ['a/one.jpg', 'b/one.jpg'].entries()) {
      await mkdir(join(source, path, '..'), { recursive: true });
      await writeFile(join(source, path), await drawPicture(20 + n));
    }
    await write(oneObject('one.jpg'));
    const status = completed(await load());
    expect(status).toMatchObject({ matched: 0, invalid: { unclear_image: 1 } });
    expect(status.invalid_named[0]?.message).toContain('one.jpg');
    expect((await labelsOf(dataset)).flat().filter(Boolean)).toEqual([]);
  });

  it('by no name that leads out of its folder', async () => {
    const { write, load } = await newFolder();
    await write(oneObject(`../photos/${NAMES[0]}`));
    expect(completed(await load())).toMatchObject({ matched: 0, without_sample: 1 });
  });
});

describe('annotating a dataset that is there', () => {
  it('reads no image and touches no vector; other fields stay', async () => {
    const { dataset, write, load, annotate, labels, other } = await newFolder();
    await load({ annotations: 'none' });
    await write(coco(NAMES, TWO_CATS));
    expect(completed(await annotate({ annotations: { paths: [labels] } }))).toMatchObject({ matched: 4, changed: 4 });
    const predictions = other('predictions.json');
    await write(coco(NAMES.slice(0, 1), [{ image: 0, label: 'cow', score: 0.75 }]), predictions);
    completed(await annotate({ annotations: { paths: [predictions], field: 'predictions' } }));
    expect(await labelsOf(dataset)).toEqual([['cat', 'dog'], ['cat'], [], []]);
    expect(await objectsOf(dataset, 'predictions')).toMatchObject([
      [{ label: 'cow', confidence: 0.75 }],
      undefined,
      undefined,
      undefined,
    ]);
    completed(await annotate({ remove: 'ground_truth' }));
    expect((await labelsOf(dataset)).flat().filter(Boolean)).toEqual([]);
    expect(await labelsOf(dataset, 'predictions')).toMatchObject([['cow'], undefined, undefined, undefined]);
    expect(await countClasses(bench.store, dataset)).toMatchObject([{ field: 'predictions', name: 'cow' }]);
  });

  it('keeps what other files gave; replacing takes it away', async () => {
    const { dataset, write, load, annotate, labels, other } = await newFolder();
    await write(coco(NAMES.slice(0, 2), TWO_CATS));
    await load();
    const more = other('more.json');
    await write(
      coco(
        [NAMES[1] as string, NAMES[2] as string],
        [
          { image: 0, label: 'elk' },
          { image: 1, label: 'elk' },
        ],
      ),
      more,
    );
    completed(await annotate({ annotations: { paths: [more] } }));
    expect(await labelsOf(dataset)).toEqual([['cat', 'dog'], ['elk'], ['elk'], undefined]);
    expect(completed(await annotate({ annotations: { paths: [more], replace: true } }))).toMatchObject({ removed: 1 });
    expect(await labelsOf(dataset)).toEqual([undefined, ['elk'], ['elk'], undefined]);
    expect(labels).not.toBe(more);
  });

  it('is on record as a job, and can be started once at a time', async () => {
    const { dataset, write, load, annotate, labels } = await newFolder();
    await write(coco(NAMES, TWO_CATS));
    await load({ annotations: 'none' });
    const status = await annotate({ annotations: { paths: [labels] }, priority: 1 });
    expect(status).toMatchObject({ kind: 'annotate', dataset, workflow_id: `load-${dataset}` });
    expect(await bench.status(status.job_id)).toEqual(status);
    await expect(bench.annotate({ dataset })).rejects.toMatchObject({ code: 'InvalidInput' });
    await expect(bench.annotate({ dataset: 'nobody', remove: 'ground_truth' })).rejects.toMatchObject({
      code: 'DatasetNotFound',
    });
  });
});

describe('splits', () => {
  it('come from the request, and select samples with a class and a field', async () => {
    const { dataset, write, load, annotate, labels, other } = await newFolder();
    await write(coco(NAMES.slice(0, 2), TWO_CATS));
    await load({ annotations: { paths: [labels], split: 'train' } });
    const held = other('held.json');
    await write(coco(NAMES.slice(2), [{ image: 0, label: 'cat' }]), held);
    completed(await annotate({ annotations: { paths: [held], split: 'val' } }));
    expect(await countSplits(bench.store, dataset)).toEqual([
      { name: 'train', samples: 2 },
      { name: 'val', samples: 2 },
    ]);
    const find = async (filter: object) =>
      (await searchSamples(bench.store, { datasetId: dataset, filter, limit: 10, nextSeq: 4 })).samples.map(
        ({ filepath }) => Number(/(\d)\.jpg$/.exec(filepath)?.[1]),
      );
    expect(await find({ label: 'cat' })).toEqual([0, 1, 2]);
    expect(await find({ label: 'cat', field: 'ground_truth' })).toEqual([0, 1, 2]);
    expect(await find({ label: 'cat', field: 'predictions' })).toEqual([]);
    expect(await find({ label: 'cat', split: 'val' })).toEqual([2]);
    expect(await find({ split: 'val' })).toEqual([2, 3]);
    expect(await find({ field: 'ground_truth' })).toEqual([0, 1, 2, 3]);
    expect(await find({ label: 'dog', split: 'val' })).toEqual([]);
  });
});

it('names that MongoDB could take for its own stay plain names', async () => {
  const { dataset, write, load } = await newFolder();
  const label = '$where.__proto__\n🦊';
  await write(coco(NAMES.slice(0, 1), [{ image: 0, label, attributes: { $set: 'a.b', __proto__: 1, 'x.y': true } }]));
  completed(await load());
  expect(await countClasses(bench.store, dataset)).toMatchObject([{ name: label, objects: 1 }]);
  expect((await objectsOf(dataset))[0]).toMatchObject([{ label }]);
});

it('a file of a folder that is gone takes away its own, and the others stay as they are', async () => {
  const { dataset, write, load, other } = await newFolder();
  const folder = other('annotations');
  await mkdir(folder);
  await write(coco(NAMES.slice(0, 2), [{ image: 0, label: 'owl' }]), join(folder, 'a.json'));
  await write(coco(NAMES, TWO_CATS), join(folder, 'b.json'));
  const annotations = { paths: [folder] };
  expect(completed(await load({ annotations }))).toMatchObject({ matched: 4 });
  await rm(join(folder, 'a.json'));
  expect(completed(await load({ annotations }))).toMatchObject({ matched: 4, changed: 0, removed: 2 });
  expect((await countClasses(bench.store, dataset)).map(({ name }) => name)).not.toContain('owl');
  expect((await labelsOf(dataset))[0]).toContain('cat');
});

it('an image that was moved is annotated where it is now', async () => {
  const { dataset, source, write, load } = await newFolder();
  await write(coco(NAMES, TWO_CATS));
  await load();
  await mkdir(join(source, 'kept'));
  await rename(join(source, NAMES[0] as string), join(source, 'kept', NAMES[0] as string));
  completed(await load());
  const moved = (await samplesOf(dataset)).findIndex(({ filepath }) => filepath.includes('/kept/'));
  expect((await objectsOf(dataset))[moved]).toHaveLength(2);
});
