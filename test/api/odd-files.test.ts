import { execFileSync } from 'node:child_process';
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodePixels } from '../../core/media/images/decode.ts';
import { drawPicture } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

let bench: Workbench;
let api: TestApi;
let photos: string;
let dataset: string;
const seqs = new Map<string, number>();

const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>';
const GEOMETRY = {
  resize: { fit: 'fill', width: 8, height: 8, kernel: 'cubic' },
  crop: { width: 8, height: 8 },
} as const;
const MIB = 1024 * 1024;

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
  photos = join(bench.folder, 'photos');
  await mkdir(photos);
  for (let index = 0; index < 24; index += 1)
    await writeFile(join(photos, `pipe-${index}.jpg`), await drawPicture(index));
  await writeFile(join(photos, 'a.jpg'), await drawPicture(30));
  for (const name of ['huge.svg', 'drawing.svg']) await writeFile(join(photos, name), SVG);
  await writeFile(join(photos, 'huge.jpg'), await drawPicture(31));
  dataset = bench.newDataset();
  await bench.load({ dataset, source: photos, embed: false });
  api = await openTestApi(bench.store, { sourceRoots: [photos] });
  const { json } = await api.get(`/api/datasets/${dataset}/samples`);
  for (const { path, seq } of json.samples) seqs.set(path.replace('photos/', ''), seq);
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

/** Grows a file to 600 MiB that take no room on disk. Indexing it at that size would take long. */
const grow = (name: string) => truncate(join(photos, name), 600 * MIB);

const thumbnail = (name: string) => api.get(`/api/datasets/${dataset}/samples/${seqs.get(name)}/thumbnail?size=128`);

test('pipes that took the names of files hold nobody up', async () => {
  const pipes = [...seqs.keys()].filter((name) => name.startsWith('pipe-'));
  for (const name of pipes) {
    await rm(join(photos, name));
    execFileSync('mkfifo', [join(photos, name)]);
  }
  const answers = await Promise.all(pipes.map(thumbnail));
  expect(new Set(answers.map(({ headers }) => headers.get('plimsoll-reason')))).toEqual(new Set(['file_not_found']));
  expect((await thumbnail('a.jpg')).status).toBe(200);
});

test('a file that is large beyond what it could hold is refused unread', async () => {
  await grow('huge.svg');
  const before = process.memoryUsage().rss;
  const { status, headers } = await thumbnail('huge.svg');
  expect(status).toBe(422);
  expect(headers.get('plimsoll-reason')).toBe('unsupported_format');
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * MIB);
});

test('a large photo is read only as far as it goes', async () => {
  await grow('huge.jpg');
  const before = process.memoryUsage().rss;
  const { status, bytes } = await thumbnail('huge.jpg');
  expect(status).toBe(200);
  expect(await sharp(bytes).metadata()).toMatchObject({ format: 'webp' });
  expect(process.memoryUsage().rss - before).toBeLessThan(300 * MIB);
});

test('nor does a worker read such a file whole', async () => {
  await grow('drawing.svg');
  const before = process.memoryUsage().rss;
  const pixels = decodePixels({ path: join(photos, 'drawing.svg') }, GEOMETRY);
  await expect(pixels).rejects.toMatchObject({ code: 'unsupported_format' });
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * MIB);
});

test('nor does a pipe hold up a worker', async () => {
  execFileSync('mkfifo', [join(bench.folder, 'pipe.jpg')]);
  const pixels = decodePixels({ path: join(bench.folder, 'pipe.jpg') }, GEOMETRY);
  await expect(pixels).rejects.toMatchObject({ code: 'not_a_file' });
});
