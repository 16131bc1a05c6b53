import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { collectionsOf } from '../../core/store/collections.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const PICTURES = 2000;
const OBJECTS_EACH = 60;

let bench: Workbench;
const workers: ChildProcess[] = [];

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
});
afterAll(async () => {
  for (const worker of workers) worker.kill('SIGKILL');
  await bench?.stop();
});

async function startWorker(): Promise<ChildProcess> {
  const uri = new URL(inject('mongodbUri'));
  uri.pathname = `/${collectionsOf(bench.store).jobs.dbName}`;
  const env = { ...process.env, TEMPORAL_ADDRESS: inject('temporalAddress'), MONGODB_URI: uri.href };
  const script = join(import.meta.dirname, '../deploying/worker-process.ts');
  const worker = fork(script, ['indexing', bench.taskQueue], { env });
  workers.push(worker);
  await once(worker, 'message');
  return worker;
}

/** Some 20 MB of COCO, so that it is stored in several writes. Objects of an image stand far apart. */
async function writeCoco(path: string, names: readonly string[]): Promise<void> {
  const images = names.map((file_name, id) => ({ id, file_name, width: 64, height: 48 }));
  const annotations = Array.from({ length: names.length * OBJECTS_EACH }, (_, id) => ({
    id,
    image_id: id % names.length,
    category_id: id % 3,
    bbox: [id % 32, id % 24, 16, 12],
    area: 192,
    iscrowd: 0,
    attributes: { note: `number ${id}`, source: 'somebody who writes a lot about each of these objects' },
  }));
  const categories = ['cat', 'dog', 'owl'].map((name, id) => ({ id, name }));
  await writeFile(path, JSON.stringify({ images, annotations, categories }));
}

it('a worker that is killed while it reads and while it applies leaves nothing out and nothing twice', async () => {
  const dataset = bench.newDataset();
  const source = join(bench.folder, 'photos');
  const paths = await makePictures(source, PICTURES);
  const folder = join(bench.folder, 'labels');
  await mkdir(folder);
  const file = join(folder, 'instances.json');
  await writeCoco(
    file,
    paths.map((path) => path.slice(source.length + 1)),
  );
  const { annotation_readings, samples, staged_annotations, jobs } = collectionsOf(bench.store);

  let worker = await startWorker();
  const { job_id } = await bench.startLoad({ dataset, source, embed: false, annotations: { paths: [file] } });
  // The first write of buckets is noted, and the file is not at its end.
  await expect.poll(async () => (await annotation_readings.findOne({ _id: job_id }))?.steps ?? 0).toBeGreaterThan(0);
  const noted = await annotation_readings.findOne({ _id: job_id });
  worker.kill('SIGKILL');
  worker = await startWorker();
  const written = () => samples.countDocuments({ dataset_id: dataset, annotations: { $exists: true } });
  await expect.poll(written).toBeGreaterThan(0);
  expect(await written()).toBeLessThan(PICTURES);
  worker.kill('SIGKILL');
  await startWorker();

  const status = await bench.wait(job_id);
  expect(status).toMatchObject({
    state: 'completed',
    annotations: {
      objects: PICTURES * OBJECTS_EACH,
      matched: PICTURES,
      changed: PICTURES,
      without_annotations: 0,
      invalid: {},
    },
  });
  // It went on behind what was noted.
  expect(noted?.done).toBe(false);
  const stored = samples.find({ dataset_id: dataset }, { projection: { annotations: 1, filepath: 1 } });
  for await (const { annotations, filepath } of stored) {
    const objects = Object.values(annotations?.ground_truth?.sets ?? {}).flatMap((set) => set.objects);
    const notes = new Set(objects.map(({ attributes }) => attributes?.note));
    expect([filepath, objects.length, notes.size]).toEqual([filepath, OBJECTS_EACH, OBJECTS_EACH]);
  }
  // Nothing of the reading is left, what nobody had noted included.
  expect(await staged_annotations.countDocuments({ job_id })).toBe(0);
  expect(await annotation_readings.countDocuments({ _id: job_id })).toBe(0);
  expect((await jobs.findOne({ _id: job_id }))?.annotations?.state).toBe('completed');
});
