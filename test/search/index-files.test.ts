import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deleteDataset } from '../../core/deleting/delete-dataset.ts';
import { recordJob } from '../../core/jobs/begin.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { markDeleting } from '../../core/store/datasets.ts';
import { openIndexUpload, removeBrokenUploads } from '../../core/store/index-files.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { clusteredVectors, fillWithVectors } from './vectors.ts';

const MODEL = 'm@000000000001';
const DAY_MS = 24 * 3600 * 1000;

let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
});
afterAll(() => bench?.stop());

const filesInBucket = () => collectionsOf(bench.store).meta.db.collection('indexes.files');

const indexesOf = (datasetId: string) =>
  filesInBucket().distinct('metadata.index_id', { 'metadata.dataset_id': datasetId });

const upload = (datasetId: string, indexId: string) =>
  pipeline(
    Readable.from([Buffer.from('rows')]),
    openIndexUpload(bench.store, { datasetId, modelKey: MODEL, indexId, name: 'rows' }),
  );

it('the files of a build that was killed while its dataset was deleted are removed at the end', async () => {
  const { store } = bench;
  const datasetId = bench.newDataset();
  const jobId = `delete-${datasetId}`;
  await fillWithVectors(store, { datasetId, modelKey: MODEL, dim: 8 }, clusteredVectors(3, 8));
  await upload(datasetId, 'early');
  await recordJob(store, { jobId, workflowId: '', kind: 'delete', datasetId, request: {}, embeds: false });
  await markDeleting(store, datasetId, jobId);

  // The deletion waits for a sample that another transaction holds.
  const session = store.client.startSession();
  session.startTransaction();
  const { samples } = collectionsOf(store);
  await samples.updateOne({ dataset_id: datasetId }, { $set: { tags: ['held'] } }, { session });
  const { signal } = new AbortController();
  const deletion = deleteDataset(store, { jobId, datasetId, onStep: () => undefined, signal });
  await expect.poll(() => indexesOf(datasetId)).toEqual([]);
  await upload(datasetId, 'late');
  await session.abortTransaction();
  await session.endSession();

  expect(await deletion).toEqual({ samples: 3, vectors: 3 });
  expect(await indexesOf(datasetId)).toEqual([]);
});

describe('what broken-off builds have uploaded', () => {
  it('is removed a day later, also of a dataset that is gone; a published index stays', async () => {
    const gone = bench.newDataset();
    for (const index of ['published', 'broken', 'under-way']) await upload(gone, index);
    await filesInBucket().updateMany(
      { 'metadata.index_id': { $in: ['published', 'broken'] } },
      { $set: { uploadDate: new Date(Date.now() - 2 * DAY_MS) } },
    );
    await removeBrokenUploads(bench.store, { before: new Date(Date.now() - DAY_MS), published: ['published'] });
    expect(await indexesOf(gone)).toEqual(['published', 'under-way']);
  });
});
