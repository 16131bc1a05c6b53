import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSourceLister } from '../../core/indexing/list-source.ts';
import { recordJob } from '../../core/jobs/begin.ts';
import { isImageName } from '../../core/media/images/formats.ts';
import { folderSource } from '../../core/sources/folder/folder-source.ts';
import { createSelection } from '../../core/sources/selection.ts';
import { createSources } from '../../core/sources/source.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { openDataset } from '../../core/store/datasets.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;
let base: string;
let root: string;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'plimsoll-roots-'));
  root = join(base, 'root');
  bench = await openWorkbench({ roles: ['indexing'], plugin: { sourceRoots: [root] } });
  await makePictures(join(base, 'outside'), 2);
});
afterAll(async () => {
  await bench?.stop();
  await rm(base, { recursive: true, force: true });
});

async function relink(target: string, link: string): Promise<void> {
  await rm(link, { force: true });
  await symlink(target, link);
}

it('does not follow links out of the source roots, names them, and has missing what lay behind them', async () => {
  const source = join(root, 'photos');
  await makePictures(source, 3);
  await makePictures(join(root, 'more'), 2);
  const [link, failing] = [join(source, 'link'), join(source, 'failing.jpg')];
  await writeFile(join(root, 'text.jpg'), 'A shopping list.\n');
  await relink('../more', link);
  await relink('../text.jpg', failing);
  const dataset = bench.newDataset();
  const before = await bench.load({ dataset, source, embed: false });
  expect(before.phases.indexing).toMatchObject({ done: 5, failed: 1, outcomes: { outside_links: 0 } });
  expect(before.phases.indexing).not.toHaveProperty('outside_links');

  await relink('../../outside', link);
  await writeFile(join(base, 'outside.jpg'), 'Another shopping list.\n');
  await relink('../../outside.jpg', failing);
  const { job_id } = await bench.retry(dataset, { embed: false });
  const retried = await bench.wait(job_id);
  expect(retried.phases.indexing).toMatchObject({ total: 0, outcomes: { outside_links: 1 }, outside_links: [failing] });

  const after = await bench.load({ dataset, source, embed: false });
  expect(after.state).toBe('completed');
  expect(after.phases.indexing).toMatchObject({
    done: 3,
    failed: 0,
    outcomes: { added: 0, unchanged: 3, missing: 3, outside_links: 2, unreadable_folders: 0 },
    outside_links: [failing, link],
  });
  const missing = await collectionsOf(bench.store).samples.find({ dataset_id: dataset, status: 'missing' }).toArray();
  expect(missing.map(({ filepath }) => filepath.startsWith(link) || filepath === failing)).toEqual([true, true, true]);
});

it('ends where its source comes to lead out of the roots, and holds nothing for missing', async () => {
  const source = join(root, 'swapped');
  await makePictures(source, 300);
  const { store } = bench;
  const [datasetId, jobId] = [bench.newDataset(), 'a-load'];
  await recordJob(store, { jobId, workflowId: 'w', kind: 'load', datasetId, request: {}, embeds: false });
  await openDataset(store, { datasetId, mediaType: 'image', source, jobId });
  const list = createSourceLister(store, createSources([folderSource({ roots: [root] })]));
  const { signal } = new AbortController();
  const request = { jobId, datasetId, root: source, selection: createSelection(isImageName), onStep() {}, signal };

  expect(await list({ ...request, page: 0 })).toMatchObject({ next: 1 });
  await rename(source, join(root, 'moved'));
  await symlink('../outside', source);
  await expect(list({ ...request, page: 1 })).rejects.toMatchObject({ code: 'SourceOutsideRoots' });
  expect(await collectionsOf(store).pages.countDocuments({ job_id: jobId })).toBe(1);
});
