import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTokens } from '../../api/auth/tokens.ts';
import { presentJob } from '../../api/present/job.ts';
import { createToken } from '../../core/api-tokens.ts';
import { statusOf } from '../../core/jobs/status.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { fillDataset } from './support/fill.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

const reader = createToken('read');
const operator = createToken('operate');
const as = (token: string) => ({ authorization: `Bearer ${token}` });
const MODEL = '/opt/models/clip';
const PATH = /\/(srv|opt|home|mnt)|(srv|opt|home|mnt)\//;

let bench: Workbench;
let api: TestApi;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  await fillDataset(bench.store, 'photos', 1, () => ({
    error: {
      stage: 'embedding',
      code: 'ModelInvalid',
      message: `Model "${MODEL}": no ONNX file in ${MODEL}.`,
      at: new Date(),
    },
  }));
  const model = { key: 'clip@1', name: MODEL, revision: '1', dim: 4, vectors: 0, last_modified_at: new Date() };
  await collectionsOf(bench.store).datasets.updateOne({ _id: 'photos' }, { $set: { models: [model] } });
  api = await openTestApi(bench.store, {
    tokens: await readTokens({ PLIMSOLL_API_TOKENS: `${reader.line} ${operator.line}` }),
  });
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

async function record(job: string, request: Record<string, unknown>, message: string): Promise<void> {
  const phase = { state: 'failed' as const, done: 0, failed: 0, total: 0, total_known: false };
  await collectionsOf(bench.store).jobs.insertOne({
    _id: job,
    kind: 'load',
    dataset_id: 'photos',
    workflow_id: `load-photos-${job}`,
    request,
    state: 'failed',
    phases: { indexing: phase, embedding: { ...phase, state: 'skipped' } },
    error: { code: 'Failed', message },
    started_at: new Date(),
    finished_at: new Date(),
  });
}

const jobId = (n: number) => `01999999-9999-7999-9999-${String(n).padStart(12, '0')}`;

describe('read scope is not told', () => {
  test.each([
    ['the folder of a source with a slash behind', { source: '/srv/photos/' }, '/srv/photos does not exist.'],
    ['the folders that models are looked for in', { source: 'x', model: 'nope' }, 'looked in /opt/m, /home/anna/m).'],
    ["a model's folder", { source: 'x', model: 'y' }, 'Model "y": no ONNX file in /opt/models/y or its onnx folder.'],
    ['a path of a folder that nobody named', { source: 'x' }, "EACCES: open '/mnt/disk/a b/c.jpg'"],
    ['a path behind a colon', { source: 'x' }, 'EACCES:/srv/secret'],
    ['a path behind a colon and a word', { source: 'x' }, 'folder:/mnt/nas/private'],
    ['a path behind a dash', { source: 'x' }, 'unreadable -/srv/private/plan'],
    ['what of a path is behind a space', { source: 'x' }, '/srv/data/my secrets/secret plan.jpg is not there'],
    ['what of a path is behind a comma', { source: 'x' }, 'not read: /mnt/secret,a/secret;b/secret.jpg'],
    ['what of a path is behind a quote', { source: 'x' }, "open '/mnt/anna's secret/secret.jpg'"],
    [
      'a folder that begins like a source',
      { source: '/srv/photos' },
      'not read: /srv/photos2/secret/x and /srv/photos.secret',
    ],
    ['a path with slashes to spare', { source: 'x' }, 'open //srv/secret, file:///srv/secret'],
    ['a part of a source that is named otherwise', { source: '/srv/a/../photos' }, 'unreadable: /srv/photos/x'],
  ])('%s', async (_name, request, message) => {
    const job = jobId(1000 + message.length);
    await record(job, { dataset: 'photos', ...request }, message);
    const { json } = await api.get(`/api/jobs/${job}`, as(reader.token));
    expect(JSON.stringify(json)).not.toMatch(PATH);
    expect(JSON.stringify(json)).not.toMatch(/secret/);
    expect((await api.get(`/api/jobs/${job}`, as(operator.token))).json.error.message).toBe(message);
  });

  test('paths in what is retried', () => {
    const phase = { state: 'running' as const, done: 0, failed: 0, total: 0, total_known: false };
    const error = { code: 'DiskError', message: "EIO: read '/mnt/disk/secret.jpg'" };
    const status = statusOf(
      {
        _id: jobId(4),
        kind: 'load',
        dataset_id: 'photos',
        workflow_id: 'load-photos',
        request: { source: '/srv/photos' },
        state: 'running',
        phases: { indexing: phase, embedding: phase },
        retrying: { a: { activity: 'indexPage', attempt: 2, since: new Date(), error } },
        started_at: new Date(),
      },
      new Date(),
    );
    expect(presentJob(status, 'read').retrying?.error.message).toBe("EIO: read '…");
    expect(presentJob(status, 'operate').retrying?.error.message).toBe(error.message);
  });

  test('the folders of an artifact', () => {
    const phase = { state: 'completed' as const, done: 1, failed: 0, total: 1, total_known: true };
    const files = { path: '/srv/secret/a.mp4', index_path: '/srv/secret/a.json' };
    const artifact = { ...files, state: 'completed' as const, chunks: 1, total: 1, bytes: 9 };
    const job = {
      _id: jobId(5),
      kind: 'load' as const,
      dataset_id: 'docs',
      workflow_id: 'load-docs',
      request: { source: '/srv/docs', media: 'text', artifact: files.path, artifact_index: files.index_path },
      state: 'completed' as const,
      phases: { indexing: phase, embedding: phase },
      artifact,
      started_at: new Date(),
    };
    const shown = presentJob(statusOf(job, new Date()), 'read');
    expect(shown.artifact).toEqual({ ...artifact, path: 'a.mp4', index_path: 'a.json' });
    expect(shown.request).toMatchObject({ media: 'text' });
    expect(JSON.stringify(shown)).not.toContain('secret');
  });

  test('where webhooks go beyond their site, nor what nobody has looked at', async () => {
    const webhooks = [{ url: 'https://hooks.example/T0/secret-path?key=1', secret: 'team', events: ['job.failed'] }];
    await record(jobId(1), { dataset: 'photos', source: '/srv/photos', webhooks, new_field: 'unseen' }, 'no');
    const { request } = (await api.get(`/api/jobs/${jobId(1)}`, as(reader.token))).json;
    expect(request).toEqual({
      dataset: 'photos',
      source: 'photos',
      webhooks: [{ url: 'https://hooks.example', events: ['job.failed'] }],
    });
  });

  test('where the folders of a relocate lie', async () => {
    await record(jobId(4), { dataset: 'photos', from: '/srv/old', to: '/srv/new' }, '/srv/old has moved to /srv/new.');
    const { request, error } = (await api.get(`/api/jobs/${jobId(4)}`, as(reader.token))).json;
    expect(request).toEqual({ dataset: 'photos', from: 'old', to: 'new' });
    expect(error.message).toBe('old has moved to new.');
  });

  test('where a model lies that was named by its path', async () => {
    const { json } = await api.get('/api/datasets/photos', as(reader.token));
    expect(json.models[0].name).toBe('clip');
    const sample = await api.get('/api/datasets/photos/samples/0', as(reader.token));
    expect(JSON.stringify(sample.json)).not.toMatch(PATH);
    expect((await api.get('/api/datasets/photos', as(operator.token))).json.models[0].name).toBe(MODEL);
  });
});

test.each([
  ['source: /srv/photos does not exist.', 'source: photos does not exist.'],
  ["EACCES: open '/srv/photos/a b/été (1).jpg'", "EACCES: open 'photos/a b/été (1).jpg'"],
  ['There is no folder /srv/photos. Is it mounted?', 'There is no folder photos. Is it mounted?'],
])('a source is shown by its last name, and what is below it: %s', async (message, shown) => {
  await collectionsOf(bench.store).jobs.deleteOne({ _id: jobId(3) });
  await record(jobId(3), { dataset: 'photos', source: '/srv/photos' }, message);
  expect((await api.get(`/api/jobs/${jobId(3)}`, as(reader.token))).json.error.message).toBe(shown);
});

test('what is no path is left as it is', async () => {
  const message = 'Read 3/4 of image/jpeg at 10 images/s; see https://plimsoll.example/docs/errors or and/or.';
  await record(jobId(2), { dataset: 'photos', embed_window: { time_zone: 'Europe/Zurich' } }, message);
  const { json } = await api.get(`/api/jobs/${jobId(2)}`, as(reader.token));
  expect(json.error.message).toBe(message);
  expect(json.request.embed_window.time_zone).toBe('Europe/Zurich');
});
