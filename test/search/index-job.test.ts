import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectionsOf } from '../../core/store/collections.ts';
import { findDataset } from '../../core/store/datasets.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const PICTURES = 12;

let bench: Workbench;
let source: string;

beforeAll(async () => {
  // Real datasets of 10,000 pictures and more are what `index: auto` is for.
  bench = await openWorkbench({ plugin: { indexFrom: PICTURES } });
  source = join(bench.folder, 'pictures');
  await makePictures(source, PICTURES);
});
afterAll(() => bench?.stop());

const modelOf = async (dataset: string) => (await findDataset(bench.store, dataset))?.models[0];

const indexFiles = (dataset: string) =>
  collectionsOf(bench.store).meta.db.collection('indexes.files').countDocuments({ 'metadata.dataset_id': dataset });

describe('the index of a load', () => {
  it('is the last step of its embedding, shown in its status and its record, and published', async () => {
    const dataset = bench.newDataset();
    const status = await bench.load({ dataset, source });
    const index = { kind: 'exact', done: PICTURES, total: PICTURES };
    expect(status.phases.embedding).toMatchObject({ state: 'completed', done: PICTURES, index });
    expect((await bench.status(status.job_id)).phases.embedding.index).toEqual(index);
    expect(await modelOf(dataset)).toMatchObject({ vectors: PICTURES, index: { kind: 'exact', vectors: PICTURES } });
  });

  it('is not built again by a load that changes nothing, nor where none is wanted', async () => {
    const dataset = bench.newDataset();
    await bench.load({ dataset, source });
    const before = (await modelOf(dataset))?.index;
    await bench.load({ dataset, source });
    await bench.embed({ dataset });
    expect((await modelOf(dataset))?.index).toEqual(before);

    const without = bench.newDataset();
    const status = await bench.load({ dataset: without, source, index: 'none' });
    expect(status.phases.embedding.index).toBeUndefined();
    expect((await modelOf(without))?.index).toBeUndefined();
  });

  it('is of the kind that was asked for', async () => {
    const dataset = bench.newDataset();
    await bench.load({ dataset, source, index: 'bf16' });
    expect((await modelOf(dataset))?.index).toMatchObject({ kind: 'bf16', vectors: PICTURES });
    expect(await indexFiles(dataset)).toBe(3);
  });
});

describe('a job that builds the index anew', () => {
  it('publishes another one, and removes the one before', async () => {
    const dataset = bench.newDataset();
    await bench.load({ dataset, source });
    const before = await modelOf(dataset);
    const { job_id } = await bench.indexVectors({ dataset, kind: 'i8' });
    const status = await bench.wait(job_id, { for: 'searchable' });
    expect(status.phases.embedding.index).toEqual({ kind: 'i8', done: PICTURES, total: PICTURES });
    expect(await bench.wait(job_id)).toMatchObject({ kind: 'index', state: 'completed' });
    const after = await modelOf(dataset);
    expect(after?.index).toMatchObject({ kind: 'i8', vectors: PICTURES });
    expect(after?.index?.id).not.toBe(before?.index?.id);
    expect(await indexFiles(dataset)).toBe(3);
    // The model's record is as it was.
    expect({ ...after, index: null }).toEqual({ ...before, index: null });
  });

  it('is refused without vectors, and for a model that has none', async () => {
    const dataset = bench.newDataset();
    await bench.load({ dataset, source, embed: false });
    await expect(bench.indexVectors({ dataset })).rejects.toMatchObject({ code: 'NoVectors' });
    await bench.embed({ dataset });
    await expect(bench.indexVectors({ dataset, model: 'other' })).rejects.toMatchObject({ code: 'ModelNotInDataset' });
    await expect(bench.indexVectors({ dataset: 'no-such' })).rejects.toMatchObject({ code: 'DatasetNotFound' });
  });
});

it('the files of its index are removed with a dataset', async () => {
  const dataset = bench.newDataset();
  await bench.load({ dataset, source });
  expect(await indexFiles(dataset)).toBe(2);
  const { job_id } = await bench.deleteDataset(dataset);
  await bench.wait(job_id);
  expect(await indexFiles(dataset)).toBe(0);
});

describe('without an embedding worker', () => {
  it('a build can be paused, resumed and canceled while it waits, and the dataset keeps its index', async () => {
    const dataset = bench.newDataset();
    await bench.load({ dataset, source });
    const before = await modelOf(dataset);
    const { job_id } = await bench.indexVectors({ dataset, kind: 'f32', embed_task_queue: 'nobody' });
    await expect.poll(async () => (await bench.status(job_id)).phases.embedding.index?.kind).toBe('f32');
    expect((await bench.pause(job_id)).state).toBe('paused');
    expect((await bench.resume(job_id)).state).toBe('running');
    await bench.cancel(job_id);
    expect((await bench.wait(job_id)).state).toBe('canceled');
    expect((await modelOf(dataset))?.index).toEqual(before?.index);
  });
});
