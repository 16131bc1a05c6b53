import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobStatus } from '../../contract/job.ts';
import { indexPage } from '../../core/indexing/index-page.ts';
import { createSourceLister } from '../../core/indexing/list-source.ts';
import { recordJob } from '../../core/jobs/begin.ts';
import { imagesMedium } from '../../core/media/images/medium.ts';
import { folderSource } from '../../core/sources/folder/folder-source.ts';
import { createSelection } from '../../core/sources/selection.ts';
import { createSources } from '../../core/sources/source.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { openDataset } from '../../core/store/datasets.ts';
import type { SampleDocument } from '../../core/store/documents.ts';
import { makeManyFiles } from '../support/many-files.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { makeWorstFiles, type WorstFile, type WorstFiles } from '../support/worst-files.ts';

const medium = imagesMedium();
const sources = createSources([folderSource()]);

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.stop());

describe('a folder of the worst files', () => {
  let worst: WorstFiles;
  let status: JobStatus;
  let samples: Map<string, SampleDocument>;
  let embedded: Set<number>;

  const keyOf = (path: string | Buffer) => Buffer.from(path).toString('hex');

  beforeAll(async () => {
    const source = join(bench.folder, 'worst');
    worst = await makeWorstFiles(source);
    await makePictures(join(source, 'good'), 40);
    const dataset = bench.newDataset();
    status = await bench.load({ dataset, source });
    const stored = await collectionsOf(bench.store).samples.find({ dataset_id: dataset }).toArray();
    samples = new Map(
      stored.map((sample) => [
        sample.filepath_bytes ? Buffer.from(sample.filepath_bytes.buffer).toString('hex') : keyOf(sample.filepath),
        sample,
      ]),
    );
    embedded = new Set(await collectionsOf(bench.store).embeddings.distinct('seq', { dataset_id: dataset }));
  });
  afterAll(() => chmod(worst.unreadableFolder, 0o755));

  it('gives each file what is due to it', () => {
    const found = Object.fromEntries(worst.files.map((file) => [file.name, foundOf(file)]));
    const due = Object.fromEntries(
      worst.files.map(({ name, expect: outcome, code }) => [name, code ? `${outcome} ${code}` : outcome]),
    );
    expect(found).toEqual(due);

    function foundOf({ path, code }: WorstFile): string {
      const sample = samples.get(keyOf(path));
      if (sample === undefined) return 'ignored';
      if (sample.status === 'failed') return code ? `failed ${sample.error?.code}` : 'failed';
      return embedded.has(sample.seq) ? 'indexed' : `${sample.error?.stage}_failed`;
    }
  });

  it('completes, with every file accounted for and every good one embedded', () => {
    const due = (outcome: WorstFile['expect']) => worst.files.filter((file) => file.expect === outcome).length;
    expect(status.state).toBe('completed');
    expect(status.phases.indexing.failed).toBe(due('failed'));
    expect(status.phases.indexing.failures).toMatchObject({ empty_file: 1 });
    expect(status.phases.embedding.failed).toBe(due('embedding_failed'));
    expect(status.phases.embedding.done).toBe(status.phases.indexing.done - due('embedding_failed'));
    expect(embedded.size).toBe(status.phases.embedding.done);
    expect(samples.size).toBe(status.phases.indexing.total);
    expect(status.phases.indexing.outcomes?.unreadable_folders).toBe(worst.isUnreadable ? 1 : 0);
  });

  it('says of each failure why, in words', () => {
    for (const { error, filepath } of samples.values()) {
      if (error !== undefined) expect(error, filepath).toMatchObject({ message: expect.stringMatching(/\w+ \w+/) });
    }
  });
});

describe('max_failed_percent', () => {
  it('fails a load with too many bad files, and keeps the samples to see which', async () => {
    const source = join(bench.folder, 'mixed');
    const { unreadableFolder } = await makeWorstFiles(source);
    const dataset = bench.newDataset();

    const status = await bench.load({ dataset, source, max_failed_percent: 5, embed: false });

    expect(status).toMatchObject({
      state: 'failed',
      error: { code: 'TooManyFailed', message: expect.stringContaining('max_failed_percent') },
    });
    expect(
      await collectionsOf(bench.store).samples.countDocuments({ dataset_id: dataset, status: 'failed' }),
    ).toBeGreaterThan(0);
    await chmod(unreadableFolder, 0o755);
  });
});

describe('a file that vanishes between listing and reading', () => {
  it('is one failed sample; the others are indexed', async () => {
    const source = join(bench.folder, 'vanishing');
    const [first] = await makePictures(source, 5);
    const [datasetId, jobId] = [bench.newDataset(), 'a-load'];
    const { store } = bench;
    const request = { dataset: datasetId, source };
    await recordJob(store, { jobId, workflowId: 'w', kind: 'load', datasetId, request, embeds: false });
    await openDataset(store, { datasetId, mediaType: 'image', source, jobId });
    const { signal } = new AbortController();

    const list = createSourceLister(store, sources);
    const slice = await list({
      jobId,
      datasetId,
      root: source,
      page: 0,
      selection: createSelection(medium.accepts),
      onStep() {},
      signal,
    });
    await rm(first as string);
    const result = await indexPage(
      store,
      { medium, sources },
      { jobId, datasetId, page: 0, onWrite() {}, onRead() {}, signal },
    );

    expect(slice).toMatchObject({ next: null, pages: [0], total: 5 });
    expect(result).toEqual({ added: 4, changed: 0, failed: 1 });
    expect(
      await collectionsOf(store).samples.findOne({ dataset_id: datasetId, filepath: first as string }),
    ).toMatchObject({
      status: 'failed',
      error: { code: 'file_not_found', stage: 'indexing' },
    });
  });
});

describe('an activity that runs twice', () => {
  it('writes the same samples, with the same numbers', async () => {
    const source = join(bench.folder, 'twice');
    await makePictures(source, 300);
    const [datasetId, jobId] = [bench.newDataset(), 'another-load'];
    const { store } = bench;
    await recordJob(store, { jobId, workflowId: 'w', kind: 'load', datasetId, request: {}, embeds: false });
    await openDataset(store, { datasetId, mediaType: 'image', source, jobId });
    const { signal } = new AbortController();
    const page = {
      jobId,
      datasetId,
      root: source,
      page: 0,
      selection: createSelection(medium.accepts),
      onStep() {},
      signal,
    };
    const samples = () =>
      collectionsOf(store)
        .samples.find({ dataset_id: datasetId }, { projection: { _id: 1, seq: 1, filepath: 1 } })
        .sort({ seq: 1 })
        .toArray();

    const first = await createSourceLister(store, sources)(page);
    // Another process, which does not know of the first one's walk.
    const second = await createSourceLister(store, sources)(page);
    expect(first).toMatchObject({ next: 1, pages: [0], total: 256 });
    expect(second).toMatchObject({ next: null, pages: [0, 1], total: 300 });
    for (const n of second.pages)
      await indexPage(store, { medium, sources }, { jobId, datasetId, page: n, onWrite() {}, onRead() {}, signal });
    const once = await samples();
    for (const n of second.pages)
      await indexPage(store, { medium, sources }, { jobId, datasetId, page: n, onWrite() {}, onRead() {}, signal });

    expect(once.map((sample) => sample.seq)).toEqual(Array.from({ length: 300 }, (_, i) => i));
    expect(await samples()).toEqual(once);
  });
});

describe('one folder with very many files', () => {
  it('is listed in slices that go on where the last one ended', async () => {
    const [source, count] = [join(bench.folder, 'many'), 100_000];
    await makeManyFiles(source, count);

    const status = await bench.load({ dataset: bench.newDataset(), source, embed: false });

    expect(status.phases.indexing).toMatchObject({ state: 'completed', done: count, failed: 0, total: count });
  });
});
