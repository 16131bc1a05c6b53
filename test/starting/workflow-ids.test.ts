import { join } from 'node:path';
import { type ApplicationFailure, WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { collectionsOf } from '../../core/store/collections.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;
let source: string;

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
  source = join(bench.folder, 'pictures');
  await makePictures(source, 3);
});
afterAll(() => bench?.stop());

it.each([
  ['loadDataset', { embed: false }, (dataset: string) => `load-${dataset}`],
  ['retryFailed', {}, (dataset: string) => `load-${dataset}`],
  ['pruneDataset', {}, (dataset: string) => `load-${dataset}`],
  ['relocateDataset', { from: '/old', to: '/new' }, (dataset: string) => `load-${dataset}`],
  ['annotateDataset', { remove: 'ground_truth' }, (dataset: string) => `load-${dataset}`],
  ['forgetSource', { source: '/old' }, (dataset: string) => `load-${dataset}`],
  ['deleteDataset', {}, (dataset: string) => `load-${dataset}`],
  ['dropModel', { model: 'a', model_key: 'a@1' }, (dataset: string) => `embed-${dataset}:a`],
  ['indexVectors', { model: 'a', model_key: 'a@1' }, (dataset: string) => `embed-${dataset}:a`],
  ['findDuplicates', {}, (dataset: string) => `duplicates-${dataset}`],
  ['embedDataset', {}, (dataset: string) => `embed-${dataset}:built-in`],
])('%s is refused under another Workflow ID than its own, and touches nothing', async (workflow, more, idOf) => {
  const dataset = bench.newDataset();
  await bench.load({ dataset, source, embed: false });
  const stored = () =>
    collectionsOf(bench.store).datasets.findOne({ _id: dataset }, { projection: { last_modified_at: 0 } });
  const before = await stored();

  const input = workflow === 'loadDataset' ? { dataset, source, ...more } : { dataset, ...more };
  const { taskQueue } = bench;
  const failure = await bench.temporal.workflow
    .execute(workflow, { taskQueue, workflowId: `mine-${dataset}`, args: [input] })
    .catch((error: unknown) => error);

  expect(failure).toBeInstanceOf(WorkflowFailedError);
  expect((failure as WorkflowFailedError).cause as ApplicationFailure).toMatchObject({
    type: 'InvalidInput',
    message: expect.stringContaining(`start it under ${idOf(dataset)},`),
  });
  expect(await stored()).toEqual(before);
  const { jobs } = await bench.jobs({ dataset, limit: 1 });
  expect(jobs).toMatchObject([{ workflow_id: `mine-${dataset}`, state: 'failed', error: { code: 'InvalidInput' } }]);
});
