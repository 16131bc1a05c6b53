import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Annotation } from '../../contract/annotation.ts';
import type { AnnotationFormatName, AnnotationTask } from '../../contract/annotations.ts';
import type { ExportedCounts, ExportFormatName } from '../../contract/exports.ts';
import type { ExportDatasetRequest } from '../../contract/inputs.ts';
import type { JobStatus } from '../../contract/job.ts';
import { memorySource } from '../../core/sources/memory/memory-source.ts';
import type { Source } from '../../core/sources/source.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { getDataset } from '../../core/store/datasets.ts';
import { fillDataset } from '../api/support/fill.ts';
import { clusteredVectors, fillWithVectors } from '../search/vectors.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { drawPicture } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { filesOf } from './support/exports.ts';

const WORKER = fileURLToPath(new URL('../deploying/worker-process.ts', import.meta.url));
const MARKER = '.plimsoll-export.json';

const memory = memorySource();
let openAfterMs = 0;
/** Files of which each takes its time to open, as on a disk far away. */
const slowFiles: Source = {
  ...memory,
  async open(file) {
    await delay(openAfterMs);
    return memory.open(file);
  },
};

let bench: Workbench;
let stopWorker: () => Promise<void>;
/** A dataset whose pictures have annotations in four fields, and its source. */
let pets: string;
let source: string;

interface Row {
  file_name: string;
  split?: string;
  tags?: string[];
  annotations: Annotation[];
}

const box = (label: string, ...bounding_box: [number, number, number, number]): Annotation => ({ label, bounding_box });

/** Two of the names are equal but for their folders. */
const NAMES = ['a/one.jpg', 'b/one.jpg', 'b/two.jpg', 'three.jpg', 'four.jpg'];

const DETECT: Row[] = [
  {
    file_name: 'a/one.jpg',
    split: 'train',
    tags: ['blurred', 'night'],
    annotations: [box('cat', 0.1, 0.2, 0.35, 0.4), box('dog', 0, 0, 1, 1)],
  },
  { file_name: 'b/one.jpg', split: 'val', annotations: [box('cat', 0.123456789, 0.25, 0.5, 0.3333333333)] },
  { file_name: 'b/two.jpg', split: 'train', annotations: [box('a "red", green & <blue>', 0.5, 0.5, 0.5, 0.5)] },
  { file_name: 'three.jpg', split: 'val', tags: ['night'], annotations: [] },
];

const triangle: [number, number][] = [
  [0.1, 0.1],
  [0.7, 0.25],
  [0.3, 0.9],
];
const SEGMENT: Row[] = [
  { file_name: 'a/one.jpg', split: 'train', annotations: [{ label: 'cat', points: [triangle] }] },
  { file_name: 'b/one.jpg', split: 'val', annotations: [{ label: 'dog', points: [triangle.toReversed()] }] },
];

const POSE: Row[] = [
  {
    file_name: 'three.jpg',
    split: 'val',
    annotations: [
      {
        ...box('cat', 0.1, 0.1, 0.5, 0.5),
        keypoints: [
          [0.2, 0.3, 2],
          [0.4, 0.5, 1],
          [0, 0, 0],
        ],
      },
    ],
  },
];

const CLASSIFY: Row[] = [
  { file_name: 'a/one.jpg', split: 'train', annotations: [{ label: 'indoors' }] },
  { file_name: 'b/one.jpg', split: 'val', annotations: [{ label: 'outdoors' }] },
  { file_name: 'three.jpg', split: 'val', annotations: [{ label: 'indoors' }] },
];

beforeAll(async () => {
  bench = await openWorkbench({ roles: [], plugin: { sources: [slowFiles] } });
  stopWorker = await bench.startWorker('indexing');
  pets = bench.newDataset();
  source = join(bench.folder, 'pets');
  for (const [n, name] of NAMES.entries()) {
    await mkdir(join(source, name, '..'), { recursive: true });
    await writeFile(join(source, name), await drawPicture(n));
  }
  await bench.load({ dataset: pets, source, embed: false, annotations: 'none' });
  for (const [field, rows] of Object.entries({
    ground_truth: DETECT,
    segments: SEGMENT,
    poses: POSE,
    kinds: CLASSIFY,
  })) {
    const path = join(bench.folder, `${field}.jsonl`);
    await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const { job_id } = await bench.annotate({ dataset: pets, annotations: { paths: [path], field } });
    expect(await bench.wait(job_id)).toMatchObject({
      state: 'completed',
      annotations: { matched: rows.length, invalid: {} },
    });
  }
});
afterAll(() => bench?.stop());

let targets = 0;
const newTarget = () => join(bench.folder, `export-${targets++}`);

async function exported(
  request: Omit<ExportDatasetRequest, 'target' | 'dataset'> & { dataset?: string; target?: string },
): Promise<{ target: string; counts: ExportedCounts; status: JobStatus }> {
  const { dataset = pets, target = newTarget(), ...more } = request;
  const status = await bench.wait((await bench.exportDataset({ dataset, target, ...more })).job_id);
  expect(status).toMatchObject({ kind: 'export', state: 'completed', error: null });
  return { target, counts: status.exported as ExportedCounts, status };
}

interface Held {
  split?: string;
  tags: string[];
  annotations: Annotation[];
}

/** What a dataset holds of each picture, by the picture's number: copies have other paths. */
async function heldBy(dataset: string, field = 'ground_truth'): Promise<Map<string, Held>> {
  const contents = await Promise.all(NAMES.map((name) => readFile(join(source, name), 'latin1')));
  const samples = await collectionsOf(bench.store).samples.find({ dataset_id: dataset }).toArray();
  const held = new Map<string, Held>();
  for (const { filepath, split, tags, annotations } of samples) {
    const name = NAMES[contents.indexOf(await readFile(filepath, 'latin1'))] ?? filepath;
    expect(held.has(name)).toBe(false);
    held.set(name, {
      ...(split === undefined ? {} : { split }),
      tags: tags.toSorted(),
      annotations: Object.values(annotations?.[field]?.sets ?? {}).flatMap(({ objects }) => objects),
    });
  }
  return held;
}

/** Numbers of which a billionth does not count. */
const rounded = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, each) => (typeof each === 'number' ? Math.round(each * 1e8) / 1e8 : each)));

type Keep = (held: Held) => Held;

/** What an export of a field is expected to say of each picture, as its format keeps it. */
function expectedOf(rows: readonly Row[], keep: Keep = (held) => held): Map<string, Held> {
  return new Map(
    NAMES.map((name) => {
      const rowOf = (of: readonly Row[]) => of.find(({ file_name }) => file_name === name);
      // Splits and tags belong to the sample, whatever field gave them.
      const { split, tags = [] } = rowOf(DETECT) ?? {};
      return [
        name,
        keep({ ...(split === undefined ? {} : { split }), tags, annotations: rowOf(rows)?.annotations ?? [] }),
      ];
    }),
  );
}

const entriesOf = (held: Map<string, Held>) => rounded(Object.fromEntries(NAMES.map((name) => [name, held.get(name)])));

/** No reader of ours takes tags from COCO, YOLO, VOC and folders. */
const withoutTags: Keep = (held) => ({ ...held, tags: [] });
/** A YOLO dataset has no place but `train` for a picture without a split. */
const trainIfNone: Keep = (held) => ({ ...withoutTags(held), split: held.split ?? 'train' });
/** COCO wants a box of every shape. */
const withBoxes: Keep = (held) => ({
  ...withoutTags(held),
  annotations: held.annotations.map((one) => ({ ...one, bounding_box: [0.1, 0.1, 0.6, 0.8] })),
});
/** VOC has three statements about every object. */
const withFlags: Keep = (held) => ({
  ...withoutTags(held),
  annotations: held.annotations.map((one) => ({
    ...one,
    attributes: { pose: 'Unspecified', truncated: false, difficult: false },
  })),
});

type Case = [format: ExportFormatName & AnnotationFormatName, field: string, rows: Row[], keep?: Keep];

/** The file of an export that our reader is given. The others are read as a folder. */
const FILES: Partial<Record<ExportFormatName, string>> = { csv: 'annotations.csv', jsonl: 'samples.jsonl' };

/** Loads a folder into a new dataset with the annotations of an export. */
async function loadedWith(
  folder: string,
  { format, task, target }: { format: AnnotationFormatName; task?: AnnotationTask | undefined; target: string },
): Promise<string> {
  const dataset = bench.newDataset();
  const { state, annotations } = await bench.load({
    dataset,
    source: folder,
    embed: false,
    annotations: {
      paths: [join(target, FILES[format as ExportFormatName] ?? '')],
      format,
      ...(task === undefined ? {} : { task }),
    },
  });
  expect({ state, annotations }).toMatchObject({ state: 'completed', annotations: { invalid: {}, without_sample: 0 } });
  return dataset;
}

const countOf = (rows: readonly Row[]) => rows.reduce((sum, { annotations }) => sum + annotations.length, 0);

describe('what is exported with copies of the images is read again', () => {
  const TASKS: Record<string, AnnotationTask> = { ground_truth: 'detect', segments: 'segment', poses: 'pose' };

  it.each<Case>([
    ['coco', 'ground_truth', DETECT, withoutTags],
    ['yolo', 'ground_truth', DETECT, trainIfNone],
    ['voc', 'ground_truth', DETECT, withFlags],
    ['csv', 'ground_truth', DETECT],
    ['jsonl', 'ground_truth', DETECT],
    ['coco', 'segments', SEGMENT, withBoxes],
    ['yolo', 'segments', SEGMENT, trainIfNone],
    ['jsonl', 'segments', SEGMENT],
    ['coco', 'poses', POSE, withoutTags],
    ['yolo', 'poses', POSE, trainIfNone],
    ['jsonl', 'poses', POSE],
    ['jsonl', 'kinds', CLASSIFY],
  ])('as %s, of the field %s', async (format, field, rows, keep) => {
    const { target, counts } = await exported({ format, field, images: 'copy' });
    expect(counts).toEqual({
      ...{ samples: 5, total: 5, images: 5, annotations: countOf(rows) },
      ...{ renamed: 0, simplified: 0, skipped_samples: {}, skipped_annotations: {} },
    });
    const task = format === 'yolo' ? TASKS[field] : undefined;
    const again = await loadedWith(target, { format, task, target });
    expect(entriesOf(await heldBy(again))).toEqual(entriesOf(expectedOf(rows, keep)));
  });

  it('as folders, which hold one class of a whole picture', async () => {
    const { target, counts } = await exported({
      format: 'folders',
      field: 'kinds',
      images: 'link',
      filter: { field: 'kinds' },
    });
    expect(counts).toMatchObject({ samples: 3, total: 3, images: 3, annotations: 3 });
    const again = await loadedWith(target, { format: 'folders', target });
    const held = await heldBy(again);
    expect(Object.fromEntries(held)).toEqual(
      Object.fromEntries(
        [...expectedOf(CLASSIFY, withoutTags)].filter(([name]) => CLASSIFY.some(({ file_name }) => file_name === name)),
      ),
    );
  });
});

describe('what is exported without images is read for the same images', () => {
  it.each<Case>([
    ['coco', 'ground_truth', DETECT, withoutTags],
    ['voc', 'ground_truth', DETECT, withFlags],
    ['csv', 'ground_truth', DETECT],
    ['jsonl', 'ground_truth', DETECT],
  ])('as %s', async (format, field, rows, keep) => {
    const { target, counts } = await exported({ format, field });
    expect(counts).toMatchObject({ samples: 5, images: 0, annotations: countOf(rows) });
    expect(entriesOf(await heldBy(await loadedWith(source, { format, target })))).toEqual(
      entriesOf(expectedOf(rows, keep)),
    );
  });
});

describe('only the samples that match the filter are exported', () => {
  it.each<[ExportDatasetRequest['filter'], string[]]>([
    [{ label: 'cat', field: 'ground_truth' }, ['a/one.jpg', 'b/one.jpg']],
    [{ split: 'val' }, ['b/one.jpg', 'three.jpg']],
    [{ tag: 'night' }, ['a/one.jpg', 'three.jpg']],
    [{ split: 'val', tag: 'night' }, ['three.jpg']],
    [{ field: 'segments' }, ['a/one.jpg', 'b/one.jpg']],
    [{ equal: { format: 'png' } }, []],
    [{ between: { width: { min: 64, max: 64 } }, split: 'train' }, ['a/one.jpg', 'b/two.jpg']],
  ])('%j', async (filter, names) => {
    const { target, counts } = await exported({ format: 'jsonl', filter });
    expect(counts).toMatchObject({ samples: names.length, total: names.length });
    expect((await linesOf(target)).map(({ filepath }) => filepath.slice(source.length + 1)).toSorted()).toEqual(names);
  });

  it('by their folder', async () => {
    const { target } = await exported({ format: 'jsonl', filter: { prefixes: [`${join(source, 'b')}/`] } });
    expect((await linesOf(target)).map(({ filepath }) => filepath)).toEqual([
      join(source, 'b/one.jpg'),
      join(source, 'b/two.jpg'),
    ]);
  });
});

const linesOf = async (target: string): Promise<{ filepath: string; seq: number }[]> =>
  (await readFile(join(target, 'samples.jsonl'), 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

it('vectors are those that are stored, of what samples hold now', async () => {
  const set = { datasetId: bench.newDataset(), modelKey: 'm@000000000001', dim: 8 };
  const vectors = clusteredVectors(300, set.dim);
  await fillWithVectors(bench.store, set, vectors);
  // Its file has changed since.
  const { samples } = collectionsOf(bench.store);
  await samples.updateOne(
    { dataset_id: set.datasetId, seq: 7 },
    { $set: { 'source.fingerprint': 'another' }, $unset: { content: true } },
  );
  await samples.updateOne({ dataset_id: set.datasetId, seq: 9 }, { $set: { status: 'missing' } });

  const { target, counts } = await exported({ dataset: set.datasetId, format: 'npy', vectors: 'm' });
  expect(counts).toMatchObject({ samples: 298, total: 299, skipped_samples: { no_vector: 1 } });
  const kept = vectors.filter((_, seq) => seq !== 7 && seq !== 9);
  expect((await linesOf(target)).map(({ seq }) => seq)).toEqual(
    [...vectors.keys()].filter((seq) => seq !== 7 && seq !== 9),
  );
  const npy = await readFile(join(target, 'vectors.npy'));
  const header = 10 + npy.readUInt16LE(8);
  expect(npy.subarray(0, header).toString('latin1')).toContain(
    "'descr': '<f4', 'fortran_order': False, 'shape': (298, 8)",
  );
  expect(npy.subarray(header)).toEqual(Buffer.concat(kept.map((vector) => Buffer.from(vector.buffer))));

  const refused = (more: object) => bench.exportDataset({ dataset: set.datasetId, target, format: 'npy', ...more });
  await expect(refused({ vectors: 'other' })).rejects.toMatchObject({ code: 'ModelNotInDataset' });
  await expect(refused({ dataset: pets })).rejects.toMatchObject({ code: 'NoVectors' });
});

describe('an export is refused', () => {
  it.each([
    ['a relative folder', { target: 'out' }],
    ['a folder that leads up', { target: '/tmp/../etc' }],
    ['the root', { target: '/' }],
    ['an unknown format', { format: 'zip' }],
    ['a task of another format', { format: 'voc', task: 'detect' }],
    ['vectors in a format without any', { format: 'voc', vectors: 'm' }],
    ['samples of a status', { filter: { status: 'missing' } }],
    ['a field that is not there', { field: 'predictions' }],
  ])('with %s', async (_, more) => {
    const request = { dataset: pets, target: newTarget(), format: 'csv', ...more } as ExportDatasetRequest;
    await expect(bench.exportDataset(request)).rejects.toMatchObject({ code: 'InvalidInput' });
  });

  it('to a folder that holds something else', async () => {
    await writeFile(join(bench.folder, 'file.txt'), 'mine');
    const { job_id } = await bench.exportDataset({ dataset: pets, target: bench.folder, format: 'csv' });
    expect(await bench.wait(job_id)).toMatchObject({ state: 'failed', error: { code: 'ExportNotWritable' } });
  });

  it('into a source, whose next load would take the copies for images of its own', async () => {
    const { sources } = await getDataset(bench.store, pets);
    const target = join(sources[0] as string, 'exported');
    const { job_id } = await bench.exportDataset({ dataset: pets, target, format: 'csv' });
    const { error } = await bench.wait(job_id);
    expect(error).toMatchObject({ code: 'ExportNotWritable', message: expect.stringContaining(`a source of ${pets}`) });
    await expect(readdir(target)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('to a folder outside of the source roots, also by a link', async () => {
    const other = await openWorkbench({ roles: ['indexing'], plugin: { sourceRoots: [join(bench.folder, 'inside')] } });
    try {
      await mkdir(join(bench.folder, 'inside'));
      await symlink(bench.folder, join(bench.folder, 'inside/out'));
      await fillDataset(other.store, 'filled', 3);
      const stateOf = async (target: string) => {
        const { job_id } = await other.exportDataset({ dataset: 'filled', target, format: 'csv' });
        return other.wait(job_id);
      };
      for (const target of [newTarget(), join(bench.folder, 'inside/out/there')]) {
        const { state, error } = await stateOf(target);
        expect({ state, error }).toMatchObject({ state: 'failed', error: { code: 'ExportNotWritable' } });
        expect(error?.message).toContain('PLIMSOLL_SOURCE_ROOTS');
        await expect(readdir(target)).rejects.toMatchObject({ code: 'ENOENT' });
      }
      expect(await stateOf(join(bench.folder, 'inside/new/one'))).toMatchObject({ state: 'completed' });
    } finally {
      await other.stop();
    }
  });
});

describe('an export that is interrupted', () => {
  /** Enough that an export without images takes some seconds. */
  const MANY = 2_000;
  /** Enough that one takes some seconds whose images are slow. */
  const SLOW = 600;
  const SLOW_MS = 150;
  let many: string;
  let slow: string;
  afterEach(() => {
    openAfterMs = 0;
  });

  const objects = (seq: number) => ({
    split: seq % 3 === 0 ? 'val' : 'train',
    annotations: {
      ground_truth: {
        from: 'x',
        sets: {
          '0': {
            fingerprint: 'x',
            job_id: 'x',
            objects: [box(`class ${seq % 7}`, 0.1, 0.2, 0.3, (seq % 9) / 20 + 0.1)],
          },
        },
      },
    },
  });

  beforeAll(async () => {
    many = bench.newDataset();
    await fillDataset(bench.store, many, MANY, objects);
    slow = bench.newDataset();
    const pathOf = (seq: number) => `memory:/slow/${seq % 5}/${seq}.jpg`;
    for (let seq = 0; seq < SLOW; seq++) memory.put(pathOf(seq), Buffer.from(`image ${seq}`));
    await fillDataset(bench.store, slow, SLOW, (seq) => ({ ...objects(seq), filepath: pathOf(seq) }), ['memory:/slow']);
  });

  const requestOf = (dataset: string, target: string) =>
    ({ dataset, target, format: 'voc', images: dataset === slow ? 'copy' : 'none' }) as const;

  /** All but the marker, which names the job. */
  async function writtenTo(target: string): Promise<Map<string, Buffer>> {
    const files = await filesOf(target);
    files.delete(MARKER);
    return files;
  }

  /** Starts an export, and resolves once it is under way. */
  async function underWay(dataset = slow): Promise<{ jobId: string; dataset: string; target: string }> {
    if (dataset === slow) openAfterMs = SLOW_MS;
    const target = newTarget();
    const { job_id } = await bench.exportDataset(requestOf(dataset, target));
    for await (const { exported: reached, finished_at } of bench.watch(job_id)) {
      if (finished_at !== null) throw new Error('The export was over before it could be disturbed.');
      if (reached !== undefined && reached.samples > 0 && reached.samples < reached.total) break;
    }
    return { jobId: job_id, dataset, target };
  }

  /** Waits for its end, and compares what it has written with an export that nothing disturbed. */
  async function expectWhole({ jobId, dataset, target }: { jobId: string; dataset: string; target: string }) {
    openAfterMs = 0;
    const total = dataset === slow ? SLOW : MANY;
    expect(await bench.wait(jobId)).toMatchObject({ state: 'completed', exported: { samples: total, total } });
    const whole = newTarget();
    await exported(requestOf(dataset, whole));
    expect(await writtenTo(target)).toEqual(await writtenTo(whole));
  }

  it('goes on when its worker is killed, and gives the same bytes', async () => {
    await stopWorker();
    const mongodb = new URL(inject('mongodbUri'));
    mongodb.pathname = `/${bench.store.database}`;
    const worker = fork(WORKER, ['indexing', bench.taskQueue], {
      env: { ...process.env, MONGODB_URI: mongodb.href, TEMPORAL_ADDRESS: inject('temporalAddress') },
    });
    await once(worker, 'message');
    const started = await underWay(many);
    const exited = once(worker, 'exit');
    worker.kill('SIGKILL');
    await exited;
    expect((await writtenTo(started.target)).size).toBeGreaterThan(64);
    expect(await bench.status(started.jobId)).toMatchObject({ state: 'running' });
    stopWorker = await bench.startWorker('indexing');
    await expectWhole(started);
  });

  it('can be paused and resumed, holds no worker meanwhile, and does not keep others from theirs', async () => {
    const started = await underWay();
    const paused = await bench.pause(started.jobId);
    expect(paused).toMatchObject({ kind: 'export', state: 'paused' });
    const handle = bench.temporal.workflow.getHandle(paused.workflow_id);
    const pending = async () => (await handle.describe()).raw.pendingActivities?.length ?? 0;
    await expect.poll(pending, { timeout: PATIENCE_MS }).toBe(0);
    const { size } = await writtenTo(started.target);
    expect(size).toBeLessThan(2 * SLOW);

    const request = requestOf(slow, started.target);
    await expect(bench.exportDataset(request)).rejects.toMatchObject({ code: 'AlreadyRunning' });
    expect(await bench.exportDataset(request, { ifRunning: 'attach' })).toMatchObject({ job_id: started.jobId });
    await expect(bench.exportDataset({ ...request, format: 'csv' }, { ifRunning: 'attach' })).rejects.toMatchObject({
      code: 'AlreadyRunning',
    });
    expect((await exported({ dataset: slow, format: 'csv' })).counts.samples).toBe(SLOW);
    expect((await writtenTo(started.target)).size).toBe(size);

    await bench.resume(started.jobId);
    await expectWhole(started);
  });

  it('keeps what it has written when it is canceled, and another one to the folder goes on', async () => {
    const { jobId, target } = await underWay();
    await bench.cancel(jobId);
    const status = await bench.wait(jobId);
    expect(status).toMatchObject({ state: 'canceled', error: { code: 'Canceled' } });
    expect(status.error?.message).toMatch(/of 600 samples were exported; what is written stays/);
    expect((await writtenTo(target)).size).toBeGreaterThan(64);
    const { job_id } = await bench.exportDataset(requestOf(slow, target));
    await expectWhole({ jobId: job_id, dataset: slow, target });
  });

  it('runs beside a load', async () => {
    const dataset = bench.newDataset();
    // Nobody embeds, so that the load goes on and on.
    const { job_id } = await bench.startLoad({ dataset, source });
    await bench.wait(job_id, { for: 'browsable' });
    expect((await exported({ dataset, format: 'csv' })).counts.samples).toBe(5);
    expect(await bench.status(job_id)).toMatchObject({ state: 'running' });
    await bench.cancel(job_id);
    await bench.wait(job_id);
  });

  it('is ended by a deletion of its dataset', async () => {
    const { jobId } = await underWay();
    expect(await bench.wait((await bench.deleteDataset(slow)).job_id)).toMatchObject({ state: 'completed' });
    expect(await bench.wait(jobId)).toMatchObject({ state: 'canceled' });
  });
});
