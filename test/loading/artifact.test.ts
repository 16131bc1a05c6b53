import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { LoadDatasetRequest } from '../../contract/inputs.ts';
import { openArtifact } from '../../core/artifact/open-artifact.ts';
import { chunksOf } from '../../core/store/document-chunks.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;
let dataset: string;
let source: string;
let artifact: string;

beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench?.stop());
beforeEach(async () => {
  dataset = bench.newDataset();
  source = join(bench.folder, dataset);
  artifact = join(bench.folder, `${dataset}.mp4`);
  await mkdir(join(source, 'more'), { recursive: true });
  await writeFile(join(source, 'a.md'), '# A\n\nFirst text.\n\n## B\n\nSecond text, with an emoji: 🌊.\n');
  await writeFile(join(source, 'more/c.txt'), 'Third text. '.repeat(400));
});

const load = (more: Partial<LoadDatasetRequest> = {}) => bench.load({ dataset, source, artifact, ...more });

test('holds all chunks, and is whole before the load ends', async () => {
  const status = await load();

  const stored = await Array.fromAsync(chunksOf(bench.store, dataset));
  const { chunks, bytes } = status.artifact ?? {};
  expect(status).toMatchObject({
    state: 'completed',
    phases: { embedding: { state: 'completed' } },
    artifact: { path: artifact, state: 'completed', chunks: stored.length, total: stored.length },
  });
  expect(chunks).toBeGreaterThan(5);
  expect((await readFile(artifact)).length).toBe(bytes);
  expect((await readdir(bench.folder)).filter((name) => name.includes('.parts'))).toEqual([]);

  const opened = await openArtifact(artifact);
  expect(opened.manifest).toMatchObject({ dataset, chunks: stored.length, documents: 2 });
  for (const [n, { filepath, seq: _, ...chunk }] of stored.entries())
    expect(await opened.chunk(n)).toEqual({ ...chunk, n, document: filepath.slice(source.length + 1) });
  await opened.close();
});

test('is written while nobody embeds, anew after an edit, and also where nothing else is to be done', async () => {
  const first = await load({ embed: false });
  expect(first.artifact?.state).toBe('completed');

  await writeFile(join(source, 'a.md'), '# A\n\nAnother text.\n');
  await load();
  const opened = await openArtifact(artifact);
  expect((await opened.chunk(0)).text).toBe('# A\n\nAnother text.');
  await opened.close();

  const again = await load();
  expect(again).toMatchObject({ state: 'completed', artifact: { state: 'completed' } });
});

test('fails while the job goes on, if its work folder holds files of somebody else', async () => {
  await mkdir(`${artifact}.parts`);
  await writeFile(join(`${artifact}.parts`, 'precious.txt'), 'precious');
  const status = await load();
  expect(status).toMatchObject({
    state: 'failed',
    error: { code: 'ArtifactNotWritable' },
    artifact: { state: 'failed', error: { message: expect.stringContaining('holds other things') } },
    phases: { embedding: { state: 'completed' } },
  });
  expect(await readFile(join(`${artifact}.parts`, 'precious.txt'), 'utf8')).toBe('precious');
});

test.each<[string, () => Promise<Partial<LoadDatasetRequest>>, RegExp]>([
  ['its folder is not there', async () => ({ artifact: join(bench.folder, 'no-folder', 'x.mp4') }), /no-folder/],
  [
    'another file is there',
    async () => {
      await writeFile(artifact, 'precious');
      return {};
    },
    /another file is there/,
  ],
  [
    'the dataset is one of pictures',
    async () => {
      source = join(bench.folder, `${dataset}-pictures`);
      await makePictures(source, 1);
      return {};
    },
    /images have no chunks to write/,
  ],
])('is refused at once when %s', async (_, prepare, message) => {
  const more = await prepare();
  const before = await readFile(artifact, 'utf8').catch(() => undefined);
  const status = await load({ source, ...more });
  expect(status).toMatchObject({ state: 'failed', error: { message: expect.stringMatching(message) } });
  expect(status.phases.indexing.done).toBe(0);
  expect(await readFile(artifact, 'utf8').catch(() => undefined)).toBe(before);
});
