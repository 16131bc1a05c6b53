import { randomUUID } from 'node:crypto';
import { ActivityFailure, ApplicationFailure, WorkflowFailedError } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { SearchAnswer } from '../../contract/search.ts';
import { PlimsollPlugin } from '../../workers/plugin/plugin.ts';
import { fillDataset } from '../api/support/fill.ts';
import { clusteredVectors, dot, fillWithVectors } from '../search/vectors.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const DIM = 8;
const vectors = clusteredVectors(100, DIM);

let bench: Workbench;
let connection: NativeConnection;
let worker: Worker;
let running: Promise<void>;
let dataset: string;

/** A worker of a user's, with a workflow that searches. */
beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  dataset = bench.newDataset();
  await fillWithVectors(bench.store, { datasetId: dataset, modelKey: 'm@000000000001', dim: DIM }, vectors);
  connection = await NativeConnection.connect({ address: inject('temporalAddress') });
  worker = await Worker.create({
    connection,
    taskQueue: bench.taskQueue,
    workflowsPath: new URL('./searching-workflows.ts', import.meta.url).pathname,
    plugins: [new PlimsollPlugin({ roles: ['embedding'], mongodb: bench.store.client })],
  });
  running = worker.run();
});

afterAll(async () => {
  worker?.shutdown();
  await running;
  await connection?.close();
  await bench?.stop();
});

const find = (input: object): Promise<SearchAnswer> =>
  bench.temporal.workflow.execute('find', {
    taskQueue: bench.taskQueue,
    workflowId: randomUUID(),
    args: [{ dataset, ...input }],
  });

describe('the activity searchSamples, called by a workflow of a user', () => {
  it('finds what is near to a sample or a vector', async () => {
    const seventh = vectors[7] as Float32Array;
    const nearest = vectors
      .map((vector, seq) => ({ seq, score: dot(seventh, vector) }))
      .sort((a, b) => b.score - a.score)
      .map(({ seq }) => seq);
    const like = await find({ sample: 7, limit: 3 });
    expect(like).toMatchObject({ dataset, model_key: 'm@000000000001', exact: true, next: expect.any(String) });
    expect(like.hits.map(({ seq }) => seq)).toEqual(nearest.slice(1, 4));
    const near = await find({ vector: [...seventh], filter: { prefixes: [like.hits[0]?.filepath as string] } });
    expect(near.hits).toEqual(like.hits.slice(0, 1).map((hit) => ({ ...hit, score: expect.closeTo(hit.score, 5) })));
  });

  it.each<[string, object]>([
    ['InvalidInput', { sample: 7, limit: 0 }],
    ['InvalidInput', {}],
    // It would be read from the worker's disk.
    ['InvalidInput', { picture: '/etc/passwd' }],
    ['DatasetNotFound', { dataset: 'nobody', sample: 7 }],
    ['InvalidVector', { vector: [1] }],
    ['ModelNotHere', { text: 'a cat' }],
  ])('fails for good with %s: %o', async (type, input) => {
    const failure = await find(input).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WorkflowFailedError);
    const { cause } = failure as WorkflowFailedError;
    expect(cause).toBeInstanceOf(ActivityFailure);
    expect((cause as ActivityFailure).cause).toMatchObject({ type, nonRetryable: true });
    expect((cause as ActivityFailure).cause).toBeInstanceOf(ApplicationFailure);
  });

  it('takes no dataset without vectors', async () => {
    const bare = bench.newDataset();
    await fillDataset(bench.store, bare, 3);
    await expect(find({ dataset: bare, sample: 1 })).rejects.toMatchObject({ cause: { cause: { type: 'NoVectors' } } });
  });
});
