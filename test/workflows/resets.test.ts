import { randomUUID } from 'node:crypto';
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import Long from 'long';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isFailureCode } from '../../contract/failures.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { makeManyFiles } from '../support/many-files.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const PICTURES = 40;
const FILES = 8_000;
const EMBEDDED = 600;

let bench: Workbench;
let stopEmbedding: () => Promise<void>;
beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
  stopEmbedding = await bench.startWorker('embedding');
});
afterAll(() => bench.stop());

const handleOf = (workflowId: string, runId?: string) => bench.temporal.workflow.getHandle(workflowId, runId);

/** Resets a run as `temporal workflow reset` does. Returns the new run's ID. */
async function reset(workflowId: string, runId: string, eventId: number): Promise<string> {
  const { workflowService } = bench.temporal.connection;
  const answer = await workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId, runId },
    reason: 'a test',
    workflowTaskFinishEventId: Long.fromNumber(eventId),
    requestId: randomUUID(),
  });
  return answer.runId;
}

/** The points of a run that it can be reset to: the ends of its workflow tasks. */
async function pointsOf(workflowId: string, runId: string): Promise<number[]> {
  const { events } = await handleOf(workflowId, runId).fetchHistory();
  return (events ?? [])
    .filter((event) => event.workflowTaskCompletedEventAttributes)
    .map(({ eventId }) => Number(eventId));
}

/** How a run ends: `completed`, or its failure. */
type End = 'completed' | { type: string; message: string };

async function endOf(workflowId: string, runId: string): Promise<End> {
  try {
    await handleOf(workflowId, runId).result();
    return 'completed';
  } catch (error) {
    const cause = error instanceof WorkflowFailedError ? error.cause : error;
    if (!(cause instanceof ApplicationFailure)) throw error;
    return { type: cause.type ?? '', message: cause.message };
  }
}

/** Resets a run that has ended to each of its points, and returns how the runs after it end. */
async function resetToEach(workflowId: string): Promise<End[]> {
  const { runId } = await handleOf(workflowId).describe();
  const ends: End[] = [];
  for (const point of await pointsOf(workflowId, runId)) {
    ends.push(await endOf(workflowId, await reset(workflowId, runId, point)));
  }
  return ends;
}

/** A failure of Plimsoll's that says what to do, or that nothing was left to do. */
const isClear = (end: End): boolean =>
  end === 'completed' || (isFailureCode(end.type) && /again|Nothing was changed|See what was loaded/.test(end.message));

async function expectWhole(dataset: string, count = PICTURES): Promise<void> {
  const { samples, embeddings, pages, progress } = collectionsOf(bench.store);
  const seqs = await samples.find({ dataset_id: dataset }).sort({ seq: 1 }).toArray();
  expect(seqs.map(({ seq, status }) => [seq, status])).toEqual(Array.from({ length: count }, (_, n) => [n, 'indexed']));
  expect(await embeddings.countDocuments({ dataset_id: dataset })).toBe(count);
  const jobs = await collectionsOf(bench.store).jobs.find({ dataset_id: dataset }).toArray();
  const ids = jobs.map(({ _id }) => _id);
  expect(await pages.countDocuments({ job_id: { $in: ids } })).toBe(0);
  expect(await progress.countDocuments({ job_id: { $in: ids } })).toBe(0);
}

const range = (count: number) => Array.from({ length: count }, (_, n) => n);

const seqsOf = async (dataset: string) =>
  (await collectionsOf(bench.store).samples.find({ dataset_id: dataset }).sort({ seq: 1 }).toArray()).map(
    ({ seq }) => seq,
  );

async function loaded(more: { embed?: boolean } = {}): Promise<{ dataset: string; source: string; job_id: string }> {
  const dataset = bench.newDataset();
  const source = join(bench.folder, dataset);
  await makePictures(source, PICTURES);
  const { job_id } = await bench.load({ dataset, source, ...more });
  return { dataset, source, job_id };
}

describe('a job that has ended, reset to each of its workflow tasks', () => {
  it('is done again from its first task, and otherwise says to start it again: a load', async () => {
    const { dataset, job_id } = await loaded();
    const ends = await resetToEach(`load-${dataset}`);
    expect(ends.filter((end) => !isClear(end))).toEqual([]);
    expect(ends[0]).toBe('completed');
    expect(ends).toContainEqual(expect.objectContaining({ type: 'Superseded' }));
    await expectWhole(dataset);
    const status = await bench.wait(job_id);
    expect(status).toMatchObject({
      job_id,
      phases: { indexing: { done: PICTURES, outcomes: { unchanged: PICTURES } } },
    });
  });

  it('says to start it again: the embedding of a load that has ended', async () => {
    const { dataset } = await loaded();
    const ends = await resetToEach(`embed-${dataset}:built-in`);
    expect(ends.filter((end) => !isClear(end))).toEqual([]);
    await expectWhole(dataset);
  });

  it('is done again: an embedding of its own', async () => {
    const { dataset } = await loaded({ embed: false });
    const { job_id, workflow_id } = await bench.startEmbedding({ dataset });
    await bench.wait(job_id);
    const ends = await resetToEach(workflow_id);
    expect(ends.filter((end) => !isClear(end))).toEqual([]);
    expect(ends[0]).toBe('completed');
    await expectWhole(dataset);
  });

  it('is done again: a retry', async () => {
    const { dataset } = await loaded();
    const { job_id, workflow_id } = await bench.retry(dataset);
    await bench.wait(job_id);
    const ends = await resetToEach(workflow_id);
    expect(ends.filter((end) => !isClear(end))).toEqual([]);
    expect(ends[0]).toBe('completed');
    await expectWhole(dataset);
  });

  it('is done again: annotations, with a load and alone', async () => {
    const { dataset, source } = await loaded();
    const names = (await readdir(source)).filter((name) => name.endsWith('.jpg'));
    const path = join(bench.folder, `${dataset}.jsonl`);
    await writeFile(path, names.map((image) => JSON.stringify({ image, label: 'cat' })).join('\n'));
    const annotations = { paths: [path] };
    const annotated = () =>
      collectionsOf(bench.store).samples.countDocuments({ dataset_id: dataset, 'classes.label': 'cat' });
    const load = await bench.startLoad({ dataset, source, annotations });
    await bench.wait(load.job_id);
    expect((await resetToEach(load.workflow_id)).filter((end) => !isClear(end))).toEqual([]);
    expect(await annotated()).toBe(names.length);
    const remove = await bench.annotate({ dataset, remove: 'ground_truth' });
    await bench.wait(remove.job_id);
    const { job_id, workflow_id } = await bench.annotate({ dataset, annotations });
    await bench.wait(job_id);
    const ends = await resetToEach(workflow_id);
    expect(ends.filter((end) => !isClear(end))).toEqual([]);
    expect(ends[0]).toBe('completed');
    expect(await annotated()).toBe(names.length);
  });

  it('is done again, and finds nothing left to do: a prune, a relocate and a forget', async () => {
    const { dataset, source } = await loaded();
    const [first] = await readdir(source);
    await rm(join(source, first as string));
    await bench.load({ dataset, source });
    const prune = await bench.prune(dataset);
    await bench.wait(prune.job_id);
    expect((await resetToEach(prune.workflow_id)).filter((end) => !isClear(end))).toEqual([]);
    // The record keeps the count of the first run.
    expect((await bench.status(prune.job_id)).removed).toMatchObject({ samples: 1, vectors: 1 });

    await rename(source, `${source}-moved`);
    const relocate = await bench.relocate({ dataset, from: source, to: `${source}-moved` });
    await bench.wait(relocate.job_id);
    const relocated = await resetToEach(relocate.workflow_id);
    expect(relocated.filter((end) => !isClear(end))).toEqual([]);

    const forget = await bench.forget({ dataset, source: `${source}-moved` });
    await bench.wait(forget.job_id);
    const forgotten = await resetToEach(forget.workflow_id);
    expect(forgotten.filter((end) => !isClear(end))).toEqual([]);
    expect(await collectionsOf(bench.store).samples.countDocuments({ dataset_id: dataset })).toBe(0);
  });

  it('is done again, and finds nothing left to do: a drop', async () => {
    const { dataset } = await loaded();
    const { job_id, workflow_id } = await bench.dropModel(dataset, 'color-gradient-grid');
    await bench.wait(job_id);
    const ends = await resetToEach(workflow_id);
    expect(ends.filter((end) => !isClear(end))).toEqual([]);
    expect(ends[0]).toMatchObject({ type: 'ModelNotInDataset' });
    expect((await bench.status(job_id)).removed).toEqual({ samples: 0, vectors: PICTURES });
  });

  it('is done again, and publishes an index again: a build of the search index', async () => {
    const { dataset } = await loaded();
    const { job_id, workflow_id } = await bench.indexVectors({ dataset, kind: 'exact' });
    await bench.wait(job_id);
    const ends = await resetToEach(workflow_id);
    expect(ends.filter((end) => !isClear(end))).toEqual([]);
    expect(ends[0]).toBe('completed');
    expect(await bench.status(job_id)).toMatchObject({
      state: 'completed',
      phases: { embedding: { state: 'completed', index: { kind: 'exact', done: PICTURES, total: PICTURES } } },
    });
    const stored = await collectionsOf(bench.store).datasets.findOne({ _id: dataset });
    expect(stored?.models[0]?.index).toMatchObject({ kind: 'exact', vectors: PICTURES });
    await expectWhole(dataset);
  });

  it('is done again, and finds the same groups: a search for duplicates', async () => {
    const { dataset } = await loaded();
    const { job_id, workflow_id } = await bench.findDuplicates({ dataset, threshold: 0.5 });
    await bench.wait(job_id);
    const before = await bench.duplicates(dataset, { limit: 100 });
    expect(before.groups).not.toEqual([]);
    const ends = await resetToEach(workflow_id);
    expect(ends.filter((end) => !isClear(end))).toEqual([]);
    expect(ends[0]).toBe('completed');
    expect(ends).toContainEqual(expect.objectContaining({ type: 'Superseded' }));
    expect((await bench.duplicates(dataset, { limit: 100 })).groups).toEqual(before.groups);
    expect((await bench.status(job_id)).compared).toEqual({
      samples: PICTURES,
      total: PICTURES,
      groups: before.groups.length,
    });
    await expectWhole(dataset);
  });

  it('says that there is no dataset any more: a deletion', async () => {
    const { dataset } = await loaded();
    const { job_id, workflow_id } = await bench.deleteDataset(dataset);
    await bench.wait(job_id);
    const ends = await resetToEach(workflow_id);
    expect(ends.filter((end) => !isClear(end))).toEqual([]);
    expect(ends[0]).toMatchObject({ type: 'DatasetNotFound' });
  });
});

describe('a job that was reset to its first task', () => {
  it('runs on record like any other: it can be paused, and its counts start anew', async () => {
    const { dataset, source, job_id } = await loaded();
    // The first run has ended, and the second one waits for a worker: a sample lacks a vector now.
    await makePictures(join(source, 'more'), 1);
    await stopEmbedding();
    const id = `load-${dataset}`;
    await reset(id, job_id, (await pointsOf(id, job_id))[0] as number);
    await expect
      .poll(() => bench.status(job_id))
      .toMatchObject({
        state: 'running',
        phases: { indexing: { state: 'completed', done: PICTURES + 1 }, embedding: { state: 'waiting', done: 0 } },
        finished_at: null,
      });
    await bench.pause(job_id);
    expect(await bench.status(job_id)).toMatchObject({ state: 'paused' });
    stopEmbedding = await bench.startWorker('embedding');
    await bench.resume(job_id);
    expect(await bench.wait(job_id)).toMatchObject({ state: 'completed', phases: { embedding: { done: 1 } } });
    await expectWhole(dataset, PICTURES + 1);
  });
});

describe('a job that runs', () => {
  it('begins again while it lists and reads files, and leaves no number out', async () => {
    const dataset = bench.newDataset();
    const source = join(bench.folder, dataset);
    await makeManyFiles(source, FILES);
    const { job_id, workflow_id } = await bench.startLoad({ dataset, source, embed: false });
    for await (const { phases } of bench.watch(job_id)) if (phases.indexing.done > 0) break;
    await reset(workflow_id, job_id, (await pointsOf(workflow_id, job_id))[0] as number);
    expect(await bench.wait(job_id)).toMatchObject({ state: 'completed', phases: { indexing: { done: FILES } } });
    expect(await seqsOf(dataset)).toEqual(range(FILES));
  });

  it('goes on from a later task while it lists and reads files', async () => {
    const dataset = bench.newDataset();
    const source = join(bench.folder, dataset);
    await makeManyFiles(source, FILES);
    const { job_id, workflow_id } = await bench.startLoad({ dataset, source, embed: false });
    for await (const { phases } of bench.watch(job_id)) if (phases.indexing.done > 0) break;
    await reset(workflow_id, job_id, (await pointsOf(workflow_id, job_id)).at(-1) as number);
    expect(await bench.wait(job_id)).toMatchObject({ state: 'completed', phases: { indexing: { done: FILES } } });
    expect(await seqsOf(dataset)).toEqual(range(FILES));
  });

  it.each(['load', 'embedding'] as const)('goes on while it waits for a device: the %s is reset', async (which) => {
    const dataset = bench.newDataset();
    const source = join(bench.folder, dataset);
    await makePictures(source, PICTURES);
    const queue = `${bench.embedTaskQueue}-later`;
    const { job_id, workflow_id } = await bench.startLoad({ dataset, source, embed_task_queue: queue });
    const embedding = handleOf(`embed-${dataset}:built-in`);
    await expect
      .poll(async () => (await embedding.describe().catch(() => undefined))?.raw.pendingActivities?.length)
      .toBe(1);
    const { runId } = await embedding.describe();
    const [id, run] = which === 'load' ? [workflow_id, job_id] : [embedding.workflowId, runId];
    await reset(id, run, (await pointsOf(id, run))[0] as number);
    const stop = await bench.startWorker('embedding', { taskQueue: queue });
    const status = await bench.wait(job_id);
    await stop();
    expect(status).toMatchObject({ state: 'completed', phases: { embedding: { done: PICTURES } } });
    await expectWhole(dataset);
  });

  it('goes on while it embeds: the embedding is reset', async () => {
    const dataset = bench.newDataset();
    const source = join(bench.folder, dataset);
    await makePictures(source, EMBEDDED);
    const { job_id } = await bench.startLoad({ dataset, source });
    const id = `embed-${dataset}:built-in`;
    for await (const { phases } of bench.watch(job_id)) if (phases.embedding.done > 0) break;
    const { runId } = await handleOf(id).describe();
    await reset(id, runId, (await pointsOf(id, runId))[0] as number);
    expect(await bench.wait(job_id)).toMatchObject({ state: 'completed', phases: { embedding: { failed: 0 } } });
    await expectWhole(dataset, EMBEDDED);
  });
});
