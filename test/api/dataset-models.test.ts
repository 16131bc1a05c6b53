import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTokens } from '../../api/auth/tokens.ts';
import { createToken } from '../../core/api-tokens.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { clusteredVectors, fillWithVectors } from '../search/vectors.ts';
import { makeColourWordsModel } from '../support/colour-words.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

const COUNT = 5;
const DIM = 4;
const FIRST = 'org/first@000000000001';
const SECOND = 'second@000000000002';
const [READER, OPERATOR] = [createToken('read'), createToken('operate')];

let bench: Workbench;
let api: TestApi;

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
  const tokens = await readTokens({ PLIMSOLL_API_TOKENS: [READER.line, OPERATOR.line].join(',') });
  api = await openTestApi(bench.store, { taskQueue: bench.taskQueue, tokens });
});
afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

const as = ({ token }: { token: string }) => ({ authorization: `Bearer ${token}` });
const get = (path: string) => api.get(path, as(READER));
const use = (dataset: string, model: unknown, who = OPERATOR) =>
  api.call('PUT', `/api/datasets/${dataset}/serving`, {
    headers: { 'content-type': 'application/json', ...as(who) },
    body: JSON.stringify({ model }),
  });
const drop = (dataset: string, key: string, query = '', who = OPERATOR) =>
  api.call('DELETE', `/api/datasets/${dataset}/models/${encodeURIComponent(key)}${query}`, { headers: as(who) });

/** A dataset that two models have embedded, the second one only in part. */
async function filled(): Promise<string> {
  const dataset = bench.newDataset();
  const vectors = clusteredVectors(COUNT, DIM);
  await fillWithVectors(bench.store, { datasetId: dataset, modelKey: FIRST, dim: DIM }, vectors);
  await collectionsOf(bench.store).embeddings.insertMany(
    [0, 1].map((seq) => ({ dataset_id: dataset, seq, model_key: SECOND, dim: DIM }) as never),
  );
  return dataset;
}

describe('the models of a dataset', () => {
  test('are listed with what they have, and which one serves', async () => {
    const dataset = await filled();
    const built_at = new Date('2026-01-01T00:00:00Z');
    const published = { id: 'a', kind: 'i8', vectors: COUNT, bytes: 7, covers: 1, built_at, files: [] } as const;
    await collectionsOf(bench.store).datasets.updateOne(
      { _id: dataset },
      { $set: { 'models.0.index': { ...published, files: [] } } },
    );
    const index = { kind: 'i8', vectors: COUNT, size_bytes: 7, built_at: built_at.toISOString() };
    const { status, json } = await get(`/api/datasets/${dataset}/models`);
    expect(status).toBe(200);
    const completed_at = expect.any(String);
    expect(json).toEqual({
      dataset,
      serving: FIRST,
      indexed: COUNT,
      models: [
        {
          ...{ key: FIRST, name: 'org/first', revision: '000000000001', dim: DIM, vectors: COUNT, embedded: COUNT },
          ...{ share: 1, serving: true, completed_at, index, words: false, dropped_by: null },
        },
        {
          ...{ key: SECOND, name: 'second', revision: '000000000002', dim: DIM, vectors: 2, embedded: 2 },
          ...{ share: 0.4, serving: false, completed_at: null, index: null, words: false, dropped_by: null },
        },
      ],
    });
    expect((await get(`/api/datasets/${dataset}`)).json.serving).toBe(FIRST);
    expect((await get('/api/datasets/nowhere/models')).json.code).toBe('DatasetNotFound');
  });

  test('know words if their files are here and have a text side', async () => {
    const dataset = await filled();
    const asked = await makeColourWordsModel(join(bench.folder, 'colours'));
    await collectionsOf(bench.store).datasets.updateOne({ _id: dataset }, { $set: { 'models.0.asked': asked } });
    const words = async () =>
      (await get(`/api/datasets/${dataset}/models`)).json.models.map((model: { words: boolean }) => model.words);
    expect(await words()).toEqual([true, false]);
    await rm(join(asked, 'onnx/text_model.onnx'));
    expect(await words()).toEqual([false, false]);
  });

  test('serve when they are chosen', async () => {
    const dataset = await filled();
    const { status, json } = await use(dataset, 'second');
    expect([status, json.before, json.serving]).toEqual([200, FIRST, SECOND]);
    expect((await get(`/api/datasets/${dataset}/models`)).json.serving).toBe(SECOND);
    expect((await use(dataset, FIRST)).json).toMatchObject({ before: SECOND, serving: FIRST });
    expect((await get(`/api/datasets/${dataset}`)).json.serving).toBe(FIRST);
  });

  test('are not chosen without vectors, without the right to, or by a wrong body', async () => {
    const dataset = await filled();
    const unknown = await use(dataset, 'third');
    expect([unknown.status, unknown.json.code]).toEqual([404, 'ModelNotInDataset']);
    expect((await use(dataset, SECOND, READER)).json.code).toBe('ScopeMissing');
    expect((await use(dataset, 7)).json).toMatchObject({ code: 'InvalidInput', errors: [{ field: 'model' }] });
    const form = { headers: { 'content-type': 'text/plain', ...as(OPERATOR) }, body: '{}' };
    expect((await api.call('PUT', `/api/datasets/${dataset}/serving`, form)).json.code).toBe('UnsupportedMediaType');
    const { datasets, embeddings } = collectionsOf(bench.store);
    await embeddings.deleteMany({ dataset_id: dataset });
    expect((await use(dataset, FIRST)).json.code).toBe('NoVectors');
    await datasets.updateOne({ _id: dataset }, { $set: { deleting: { job_id: 'a-job', at: new Date() } } });
    expect((await use(dataset, FIRST)).json.code).toBe('DatasetBeingDeleted');
  });
});

describe('a drop', () => {
  test('says what it would remove, and removes it as a job; a slash in the key is escaped', async () => {
    const dataset = await filled();
    await use(dataset, SECOND);
    const dry = await drop(dataset, FIRST, '?dry_run=true');
    const preview = { dataset, dry_run: true, model: FIRST, samples: 0, vectors: COUNT, schedules: [] };
    expect([dry.status, dry.json]).toEqual([200, preview]);

    const started = await drop(dataset, FIRST);

    expect([started.status, started.headers.get('location')]).toEqual([202, `/api/jobs/${started.json.job_id}`]);
    const { json } = await get(`/api/jobs/${started.json.job_id}/wait?timeout=60`);
    expect(json.job).toMatchObject({ kind: 'drop', state: 'completed', removed: { samples: 0, vectors: COUNT } });
    expect((await get(`/api/datasets/${dataset}/models`)).json.models).toMatchObject([{ key: SECOND }]);
    expect((await get(`/api/jobs?kind=drop&dataset=${dataset}`)).json.jobs).toHaveLength(1);
  });

  test('is refused for the model that serves, for an unknown one, and without the right to', async () => {
    const dataset = await filled();
    const serves = await drop(dataset, FIRST);
    expect([serves.status, serves.json.code]).toEqual([409, 'ModelServes']);
    expect(serves.json.detail).not.toContain('plimsoll models');
    expect((await drop(dataset, FIRST, '?dry_run=true')).json.code).toBe('ModelServes');
    expect((await drop(dataset, 'third@1')).json.code).toBe('ModelNotInDataset');
    expect((await drop(dataset, SECOND, '', READER)).json.code).toBe('ScopeMissing');
    expect((await get(`/api/datasets/${dataset}/models`)).json.models).toHaveLength(2);
  });

  test('is attached to only by a drop of the same revision', async () => {
    const workerless = await openTestApi(bench.store, { taskQueue: `${bench.taskQueue}-nobody` });
    const dataset = await filled();
    const other = 'second@000000000003';
    await collectionsOf(bench.store).embeddings.insertOne({ dataset_id: dataset, seq: 0, model_key: other } as never);
    const start = (key: string, query = '') =>
      workerless.call('DELETE', `/api/datasets/${dataset}/models/${key}${query}`);
    const { json: first } = await start(SECOND);
    expect((await start(SECOND)).json).toMatchObject({ code: 'AlreadyRunning', job: { job_id: first.job_id } });
    expect((await start(SECOND, '?if_running=attach')).json).toEqual({ ...first, attached: true });
    expect((await start(other, '?if_running=attach')).json.code).toBe('AlreadyRunning');
    expect((await start('second')).json.code).toBe('InvalidInput');
    await bench.cancel(first.job_id);
    await workerless.close();
  });
});
