import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

let bench: Workbench;
let api: TestApi;
let labels: string;

/** Four pictures: two cats of train, of which one has a dog, and nothing on the others. */
beforeAll(async () => {
  bench = await openWorkbench();
  const photos = join(bench.folder, 'photos');
  await makePictures(photos, 4);
  labels = join(bench.folder, 'labels.jsonl');
  const box = [0.25, 0.25, 0.5, 0.5];
  const lines = [
    {
      image: 'picture-000000.jpg',
      split: 'train',
      objects: [
        { label: 'cat', bounding_box: box },
        { label: 'dog', bounding_box: box },
      ],
    },
    { image: 'picture-000001.jpg', split: 'train', objects: [{ label: 'cat', bounding_box: box, confidence: 0.5 }] },
    { image: 'nowhere.jpg', objects: [] },
    { image: 'picture-000002.jpg', objects: [{ label: 'cat', bounding_box: [0, 0, 0, 1] }] },
  ];
  await writeFile(labels, lines.map((line) => JSON.stringify(line)).join('\n'));
  api = await openTestApi(bench.store, { sourceRoots: [bench.folder], taskQueue: bench.taskQueue });
  await bench.load({ dataset: 'photos', source: photos, annotations: 'none' });
});
afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

const seqsOf = ({ json }: { json: { samples: { seq: number }[] } }) => json.samples.map(({ seq }) => seq);

test('annotations are read by a job', async () => {
  const started = await api.post('/api/datasets/photos/annotate', { annotations: { paths: [labels] } });
  expect(started.status).toBe(202);
  const { json } = await api.get(`/api/jobs/${started.json.job_id}/wait?timeout=60`);
  expect(json.job).toMatchObject({
    kind: 'annotate',
    state: 'completed',
    annotations: {
      paths: [{ path: labels, format: 'jsonl' }],
      matched: 3,
      changed: 3,
      without_annotations: 1,
      without_sample: 1,
      without_sample_names: ['nowhere.jpg'],
      invalid: { bad_geometry: 1 },
    },
  });
});

test('they come with a sample, and with a list where they are asked for', async () => {
  const { json } = await api.get('/api/datasets/photos/samples/1');
  expect(json.sample).toMatchObject({
    split: 'train',
    annotations: { ground_truth: [{ label: 'cat', bounding_box: [0.25, 0.25, 0.5, 0.5], confidence: 0.5 }] },
  });
  const without = await api.get('/api/datasets/photos/samples');
  expect(without.json.samples.map((sample: object) => 'annotations' in sample)).toEqual([false, false, false, false]);
  const all = await api.get('/api/datasets/photos/samples?annotations=true');
  expect(
    all.json.samples.map(({ annotations }: never) => (annotations as { ground_truth?: [] })?.ground_truth?.length),
  ).toEqual([2, 1, 0, undefined]);
});

test.each([
  ['label=cat', [0, 1]],
  ['label=dog', [0]],
  ['label=cat&field=ground_truth', [0, 1]],
  ['label=cat&field=predictions', []],
  ['field=ground_truth', [0, 1, 2]],
  ['split=train', [0, 1]],
  ['split=train&label=dog', [0]],
  ['split=val', []],
  ['label=cat&format=png', []],
])('samples are filtered: %s', async (query, expected) => {
  expect(seqsOf(await api.get(`/api/datasets/photos/samples?${query}`))).toEqual(expected);
});

test('the same filters narrow a search, and its hits have annotations where they are asked for', async () => {
  const found = await api.post('/api/datasets/photos/search', {
    sample: 3,
    filter: { label: 'cat' },
    annotations: true,
  });
  expect(found.json.hits.map(({ seq }: { seq: number }) => seq).sort()).toEqual([0, 1]);
  expect(found.json.hits[0].sample.annotations.ground_truth[0].label).toBe('cat');
  const similar = await api.get('/api/datasets/photos/samples/3/similar?label=dog');
  expect(similar.json.hits.map(({ seq }: { seq: number }) => seq)).toEqual([0]);
  expect(similar.json.hits[0].sample).not.toHaveProperty('annotations');
});

test('classes and splits are counted', async () => {
  expect((await api.get('/api/datasets/photos/classes')).json).toEqual({
    fields: [
      {
        name: 'ground_truth',
        samples: 3,
        classes: [
          { name: 'cat', samples: 2, objects: 2 },
          { name: 'dog', samples: 1, objects: 1 },
        ],
      },
    ],
    splits: [{ name: 'train', samples: 2 }],
  });
  expect((await api.get('/api/datasets/photos')).json.annotation_fields).toEqual(['ground_truth']);
});

describe('what is refused', () => {
  test('annotations outside the source roots, with a load and alone', async () => {
    const outside = { annotations: { paths: ['/etc/passwd'] } };
    expect((await api.post('/api/datasets/photos/annotate', outside)).json.code).toBe('SourceOutsideRoots');
    const source = join(bench.folder, 'photos');
    const load = await api.post('/api/loads', { dataset: 'photos', source, ...outside });
    expect(load.json).toMatchObject({ code: 'SourceOutsideRoots', errors: [{ field: 'annotations.paths.0' }] });
  });

  test('neither a path nor a field to remove, and both', async () => {
    expect((await api.post('/api/datasets/photos/annotate', {})).status).toBe(422);
    const both = { annotations: { paths: [labels] }, remove: 'ground_truth' };
    expect((await api.post('/api/datasets/photos/annotate', both)).status).toBe(422);
  });

  test.each([
    { paths: [] },
    { paths: ['/a'], format: 'bmp' },
    { paths: ['/a'], field: 'a:b' },
    { paths: ['/a'], field: '__proto__' },
    { paths: ['/a\0'] },
    { paths: ['/a'], more: 1 },
  ])('%j', async (annotations) => {
    expect((await api.post('/api/datasets/photos/annotate', { annotations })).status).toBe(422);
  });

  test('a dataset that is not there', async () => {
    expect((await api.get('/api/datasets/nothing/classes')).json.code).toBe('DatasetNotFound');
    expect((await api.post('/api/datasets/nothing/annotate', { remove: 'a' })).json.code).toBe('DatasetNotFound');
  });
});

test('a folder of annotations may be a root itself', async () => {
  const folder = join(bench.folder, 'yolo');
  await mkdir(join(folder, 'labels'), { recursive: true });
  await writeFile(join(folder, 'labels', 'picture-000003.txt'), '0 0.5 0.5 0.5 0.5\n');
  const request = { annotations: { paths: [folder], field: 'yolo' } };
  const { json } = await api.post('/api/datasets/photos/annotate', request);
  const { job } = (await api.get(`/api/jobs/${json.job_id}/wait?timeout=60`)).json;
  expect(job).toMatchObject({ state: 'completed', error: null, annotations: { matched: 1 } });
  const { sample } = (await api.get('/api/datasets/photos/samples/3')).json;
  expect(sample.annotations.yolo).toEqual([{ label: '0', bounding_box: [0.25, 0.25, 0.5, 0.5] }]);
});
