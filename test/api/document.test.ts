import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTokens } from '../../api/auth/tokens.ts';
import { PROBLEMS } from '../../api/problem/codes.ts';
import { createToken } from '../../core/api-tokens.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { drawPicture, makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { type Operation, operationsOf } from './support/conformance.ts';
import { type CallOptions, openTestApi, openUnready, type TestApi } from './support/open-api.ts';

let bench: Workbench;
let open: TestApi;
let photos: string;
const PICTURES = 6;
const reader = createToken('read');

/** Every operation with every status that it has answered, `GET /api/datasets 200`. */
const seen = new Set<string>();

/** The same API, noting what it answers. */
function noting(api: TestApi): TestApi {
  const call: TestApi['call'] = async (method, path, options) => {
    const answer = await api.call(method, path, options);
    if (answer.operation === undefined) return answer;
    seen.add(`${answer.operation} ${answer.status}`);
    const isTagged = answer.status === 200 && answer.headers.get('etag')?.startsWith('W/') === true;
    if (isTagged && !seen.has(`${answer.operation} 304`)) {
      const { status } = await api.call(method, path, { headers: { ...options?.headers, 'if-none-match': '*' } });
      seen.add(`${answer.operation} ${status}`);
    }
    return answer;
  };
  return {
    ...api,
    call,
    get: (path, headers = {}) => call('GET', path, { headers }),
    post: (path, json, headers = {}) =>
      call('POST', path, {
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(json ?? {}),
      }),
  };
}

beforeAll(async () => {
  bench = await openWorkbench();
  photos = join(bench.folder, 'photos');
  await makePictures(photos, PICTURES);
  await writeFile(join(photos, 'notes.txt'), 'Not to be loaded.\n');
  await writeFile(join(photos, '._text.jpg'), 'Left out.\n');
  for (const folder of ['2024', '@eaDir', '.hidden']) await mkdir(join(photos, folder));
  await writeFile(join(photos, 'text.jpg'), 'A shopping list.\n');
  await writeFile(join(photos, 'gone.jpg'), await drawPicture(50));
  open = noting(
    await openTestApi(bench.store, {
      taskQueue: bench.taskQueue,
      sourceRoots: ['photos', 'more', 'exports'].map((name) => join(bench.folder, name)),
    }),
  );
});

afterAll(async () => {
  await open?.close();
  await bench?.stop();
});

const NAMES: Record<string, string> = {
  dataset: 'nothing',
  job: 'nothing',
  schedule: 'nothing',
  seq: '1',
  key: 'nothing@1',
};
const filled = (path: string, names = NAMES) => path.replaceAll(/\{(\w+)\}/g, (_, name) => names[name] ?? '');
/** A valid value of each required parameter. */
const VALUES: Record<string, string> = { path: '/', older_than: '1d' };
const queryOf = ({ parameters = [] }: Operation) => {
  const required = parameters.filter(({ in: place, required }) => place === 'query' && required);
  return required.length === 0 ? '' : `?${required.map(({ name }) => `${name}=${VALUES[name]}`).join('&')}`;
};

describe('the document', () => {
  test('is OpenAPI 3.1, and is served as it is', async () => {
    const { json } = await open.get('/api/openapi.json');
    expect(json.openapi).toBe('3.1.0');
    expect(json).toEqual(JSON.parse(JSON.stringify(open.api.document)));
  });

  test('describes each parameter of each path, and a schema for each body', () => {
    for (const operation of operationsOf(open.api.document)) {
      const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const described = (operation.parameters ?? [])
        .filter(({ in: place }) => place === 'path')
        .map(({ name }) => name);
      expect(described.sort(), operation.path).toEqual(names.sort());
    }
  });

  test('can be read offline under a strict policy: no script, nothing from elsewhere', async () => {
    const { bytes, headers } = await open.get('/api/docs');
    const page = new TextDecoder().decode(bytes);
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'self'/);
    expect(page).not.toMatch(/<script|style=|\son\w+=|https?:\/\//);
    const links = [...page.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, link]) => link as string);
    const ids = new Set([...page.matchAll(/id="([^"]+)"/g)].map(([, id]) => `#${id}`));
    for (const link of new Set(links)) {
      if (link.startsWith('#')) expect(ids).toContain(link);
      else expect((await open.get(link)).status).toBe(200);
    }
  });

  test('every code of a problem is explained there', async () => {
    const page = new TextDecoder().decode((await open.get('/api/docs')).bytes);
    for (const code of Object.keys(PROBLEMS)) expect(page).toContain(`id="${code}"`);
  });
});

describe('every documented status can be had', () => {
  test('of each operation: by a foreign name, without a token, without servers, with a wrong parameter or body', async () => {
    const closed = noting(
      await openTestApi(bench.store, { tokens: await readTokens({ PLIMSOLL_API_TOKENS: reader.line }) }),
    );
    const away = noting(
      await openUnready({
        mongodbUri: 'mongodb://127.0.0.1:1/?replicaSet=none',
        env: { TEMPORAL_ADDRESS: '127.0.0.1:1', TEMPORAL_CONFIG_FILE: join(tmpdir(), 'plimsoll-no-such.toml') },
      }),
    );
    const storeless = noting(
      await openUnready({
        mongodbUri: 'mongodb://127.0.0.1:1/?replicaSet=none',
        tokens: await readTokens({ PLIMSOLL_API_TOKENS: reader.line }),
      }),
    );
    const session = { cookie: `plimsoll_session=${'x'.repeat(43)}` };
    await storeless.post('/api/session', { token: reader.token });
    for (const operation of operationsOf(open.api.document)) {
      const { method, path, responses, requestBody, parameters = [] } = operation;
      const at = `${filled(path)}${queryOf(operation)}`;
      const json = { headers: { 'content-type': 'application/json' }, body: '{}' };
      const body: CallOptions = requestBody === undefined ? {} : json;
      await open.call(method, at, { ...body, headers: { ...body.headers, host: 'evil.example' } });
      if ('401' in responses)
        await closed.call(method, at, { ...body, headers: { ...body.headers, authorization: 'Bearer made-up' } });
      if ('503' in responses) {
        await away.call(method, at, body);
        await storeless.call(method, at, { ...body, headers: { ...body.headers, ...session } });
      }
      if (method !== 'GET') {
        await open.call(method, at, { ...json, body: '{"no' });
        await open.call(method, at, { ...json, body: '{"no_such_field": 1}' });
        await open.call(method, at, { headers: { 'content-type': 'text/plain' }, body: '{}' });
        await open.call(method, at, { ...json, body: JSON.stringify({ dataset: 'x'.repeat(1_100_000) }) });
      } else {
        if (parameters.some(({ in: place }) => place === 'path'))
          await open.call(method, filled(path, { dataset: 'No', job: 'No', schedule: 'No', seq: 'x', key: 'No' }));
        await open.call(method, `${filled(path)}?no_such_parameter=1`);
      }
      if ('404' in responses && path.includes('{')) await open.call(method, at, body);
    }
    await Promise.all([closed.close(), away.close(), storeless.close()]);
  });

  test('of a start with the Idempotency-Key of another request', async () => {
    const key = { 'idempotency-key': 'taken', 'content-type': 'application/json' };
    const load = { dataset: 'keyed', source: photos, embed: false };
    const { json: job } = await open.post('/api/loads', load, key);
    for (const { method, path, parameters = [] } of operationsOf(open.api.document))
      if (parameters.some(({ name }) => name === 'idempotency-key'))
        expect((await open.call(method, filled(path), { headers: key })).json.code).toBe('IdempotencyKeyReused');
    await open.get(`/api/jobs/${job.job_id}/wait?timeout=60`);
  });

  test('of what is asked of samples and their files', async () => {
    const dataset = 'real';
    await bench.load({ dataset, source: photos });
    await rm(join(photos, 'gone.jpg'));
    for (const path of [
      '/health',
      '/ready',
      '/metrics',
      '/api/config',
      '/api/sources',
      '/api/models',
      '/api/datasets',
      '/api/jobs',
      '/api/limits',
      '/api/events',
    ])
      await open.get(path);
    // As a load takes them.
    const { files, media, folders } = (await open.get(`/api/sources/folders?path=${photos}`)).json;
    expect({ files, media }).toEqual({ files: PICTURES + 1, media: { image: PICTURES + 1, text: 1 } });
    expect(folders.map(({ name }: { name: string }) => name)).toEqual(['2024']);
    await open.get(`/api/sources/folders?path=${photos}/none`);
    await open.get('/api/sources/folders?path=relative');
    expect((await open.get(`/api/datasets/${dataset}`)).json.readiness).toBe('ready');
    await open.get(`/api/datasets/${dataset}/tags`);
    const duplicates = `/api/datasets/${dataset}/duplicates`;
    expect((await open.get(duplicates)).json).toEqual({ run: null, groups: [], next: null });
    expect((await open.post(duplicates, { model: 'other' })).json.code).toBe('ModelNotInDataset');
    const { json: search } = await open.post(duplicates, { threshold: 0.5 });
    const { json: ended } = await open.get(`/api/jobs/${search.job_id}/wait?timeout=60`);
    expect(ended.job).toMatchObject({ kind: 'duplicates', state: 'completed' });
    expect((await open.get(duplicates)).json.run).toMatchObject({ job_id: search.job_id, threshold: 0.5 });
    expect((await open.get(`${duplicates}?cursor=made-up`)).status).toBe(400);
    const earlier = Buffer.from('1/earlier').toString('base64url');
    expect((await open.get(`${duplicates}?cursor=${earlier}`)).status).toBe(422);
    expect((await open.post(`${duplicates}/keep-one`)).status).toBe(200);
    const exports = `/api/datasets/${dataset}/export`;
    const target = join(bench.folder, 'exports/one');
    expect((await open.post(exports, { target, format: 'csv', vectors: 'm' })).json.code).toBe('InvalidInput');
    expect((await open.post(exports, { target, format: 'npy', vectors: 'm' })).json.code).toBe('ModelNotInDataset');
    const { json: exporting } = await open.post(exports, {
      target,
      format: 'csv',
      filter: { equal: { format: 'jpeg' } },
    });
    const { json: written } = await open.get(`/api/jobs/${exporting.job_id}/wait?timeout=60`);
    expect(written.job).toMatchObject({ kind: 'export', state: 'completed', exported: { samples: PICTURES + 1 } });
    const { json: annotating } = await open.post(`/api/datasets/${dataset}/annotate`, { remove: 'predictions' });
    await open.get(`/api/jobs/${annotating.job_id}/wait?timeout=60`);
    expect((await open.get(`/api/datasets/${dataset}/classes`)).json).toEqual({ fields: [], splits: [] });
    await open.post(`/api/datasets/${dataset}/tags`, { add: ['seen'], seqs: [0] });
    const { json } = await open.get(`/api/datasets/${dataset}/samples`);
    const named = (name: string) => {
      const found = json.samples.find(({ path }: { path: string }) => path === `photos/${name}`);
      return `/api/datasets/${dataset}/samples/${found.seq}`;
    };
    const [whole, text, gone] = [named('picture-000001.jpg'), named('text.jpg'), named('gone.jpg')];
    await open.get(whole);
    await open.get(`${whole}/neighbors`);
    for (const what of ['file', 'thumbnail']) {
      const { headers } = await open.get(`${whole}/${what}`);
      await open.get(`${whole}/${what}`, { 'if-none-match': headers.get('etag') as string });
    }
    for (const [of, status] of [
      [whole, 200],
      [text, 409],
    ] as const) {
      expect((await open.get(`${of}/similar`)).status).toBe(status);
      const { status: answered } = await open.post(`/api/datasets/${dataset}/search`, {
        sample: Number(of.split('/').at(-1)),
      });
      expect(answered).toBe(status);
    }
    await open.get(`${whole}/file`, { range: 'bytes=0-1' });
    await open.get(`${whole}/file`, { range: 'bytes=9999999-' });
    await open.get(`${gone}/file`);
    expect((await open.get(`${text}/file`)).json.code).toBe('FileNotRead');
    await open.get(`${text}/thumbnail`);
    const manuals = join(bench.folder, 'manuals');
    await mkdir(manuals);
    await writeFile(join(manuals, 'manual.md'), '# Manual');
    await bench.load({ dataset: 'manuals', source: manuals, embed: false });
    expect((await open.get('/api/datasets/manuals/samples/0/document')).status).toBe(200);
    expect((await open.get(`${whole}/document`)).json.code).toBe('NoDocument');
  });

  test('of what is asked of jobs, and done with them', async () => {
    const start = (dataset: string, more: object = {}) =>
      open.post('/api/loads', { dataset, source: photos, embed_task_queue: bench.embedTaskQueue, ...more });
    const { json: job, headers } = await start('jobs');
    expect(headers.get('location')).toBe(`/api/jobs/${job.job_id}`);
    const { json: done } = await open.get(`/api/jobs/${job.job_id}/wait?timeout=30`);
    expect(done).toMatchObject({ reached: true, job: { state: 'completed' } });
    await open.get('/api/jobs/jobs');
    const { json: failures } = await open.get('/api/jobs/jobs/failures');
    expect(failures.failures.map(({ path }: { path: string }) => path)).toEqual(['photos/text.jpg']);
    expect((await open.get('/api/jobs/jobs/webhooks')).json).toEqual({ undelivered: 0, messages: [] });
    const ended = await open.get('/api/jobs/jobs/events');
    const id = /^id: (.*)$/m.exec(await ended.response.text())?.[1] as string;
    await open.get('/api/jobs/jobs/events', { 'last-event-id': id });
    for (const operation of ['pause', 'resume', 'cancel'])
      expect((await open.post(`/api/jobs/jobs/${operation}`)).json.code).toBe('JobEnded');

    const { json: retried } = await open.post('/api/jobs/jobs/retry');
    expect((await open.get(`/api/jobs/${retried.job_id}/wait?timeout=60`)).json.job.kind).toBe('retry');

    // A job that waits for its time can be operated at leisure. Every sample lacks a vector of its model.
    const { json: late } = await start('jobs', { model: 'later', embed_at: '2199-01-01T00:00:00Z' });
    await open.get(`/api/jobs/${late.job_id}/wait?for=browsable&timeout=60`);
    expect((await start('jobs')).json).toMatchObject({ code: 'AlreadyRunning', job: { job_id: late.job_id } });
    expect((await open.post('/api/jobs/jobs/retry')).json.code).toBe('AlreadyRunning');
    expect((await open.call('DELETE', '/api/datasets/jobs')).json.code).toBe('AlreadyRunning');
    expect((await open.post('/api/datasets/jobs/prune')).json.code).toBe('AlreadyRunning');
    const move = { from: photos, to: join(bench.folder, 'more') };
    expect((await open.post('/api/datasets/jobs/relocate', move)).json.code).toBe('AlreadyRunning');
    expect((await open.post('/api/datasets/jobs/forget', { source: photos })).json.code).toBe('AlreadyRunning');
    const vectors = { path: join(photos, 'vectors.jsonl'), model_key: 'mine@1' };
    expect((await open.post('/api/datasets/nothing/vectors', vectors)).json.code).toBe('DatasetNotFound');
    // The load waits with the model of this name.
    const ofLater = { ...vectors, model_key: 'later@1' };
    expect((await open.post('/api/datasets/jobs/vectors', ofLater)).json.code).toBe('AlreadyRunning');
    const { json: imports } = await open.post('/api/datasets/jobs/vectors', vectors);
    await open.get(`/api/jobs/${imports.job_id}/wait?timeout=60`);
    expect((await open.post('/api/datasets/nothing/relocate', move)).json.code).toBe('DatasetNotFound');
    expect((await open.post('/api/datasets/nothing/forget', { source: photos })).json.code).toBe('DatasetNotFound');
    const annotate = { remove: 'predictions' };
    expect((await open.post('/api/datasets/jobs/annotate', annotate)).json.code).toBe('AlreadyRunning');
    expect((await open.post('/api/datasets/nothing/annotate', annotate)).json.code).toBe('DatasetNotFound');
    const exporting = { target: join(photos, '@eaDir/out'), format: 'csv' };
    expect((await open.post('/api/datasets/nothing/export', exporting)).json.code).toBe('DatasetNotFound');
    expect((await open.post(`/api/jobs/${late.job_id}/pause`)).json.state).toBe('paused');
    expect((await open.post(`/api/jobs/${late.job_id}/resume`)).json.paused_at).toBeNull();
    expect((await open.get(`/api/jobs/${late.job_id}/wait?timeout=0`)).json.reached).toBe(false);
    expect((await open.post(`/api/jobs/${late.job_id}/cancel`, { reason: 'enough' })).status).toBe(200);
    expect((await open.get(`/api/jobs/${late.job_id}/wait?timeout=60`)).json.job.state).toBe('canceled');

    const embedding = { embed_task_queue: 'nobody', embed_at: '2199-01-01T00:00:00Z' };
    const { json: embed } = await open.post('/api/datasets/jobs/embed', embedding);
    expect((await open.post('/api/datasets/jobs/embed', embedding)).json.code).toBe('AlreadyRunning');
    await open.post(`/api/jobs/${embed.job_id}/cancel`);
    await open.get(`/api/jobs/${embed.job_id}/wait?timeout=60`);
    const { json: index } = await open.post('/api/datasets/jobs/index', { kind: 'i8' });
    expect((await open.get(`/api/jobs/${index.job_id}/wait?for=searchable&timeout=60`)).json).toMatchObject({
      reached: true,
      job: { kind: 'index', phases: { embedding: { index: { kind: 'i8', done: PICTURES, total: PICTURES } } } },
    });
    await open.get(`/api/jobs/${index.job_id}/wait?timeout=60`);
    expect((await open.post('/api/datasets/jobs/index', { embed_task_queue: 'nobody' })).status).toBe(202);
    expect((await open.post('/api/datasets/jobs/index')).json.code).toBe('AlreadyRunning');
    await open.post('/api/jobs/jobs/cancel');
    await open.get('/api/jobs/jobs/wait?timeout=60');
    expect((await open.post('/api/datasets/jobs/prune?dry_run=true')).status).toBe(200);
    expect((await open.call('DELETE', '/api/datasets/jobs?dry_run=true')).status).toBe(200);
    expect((await open.post('/api/datasets/jobs/duplicates')).status).toBe(202);
    expect((await open.post('/api/datasets/jobs/duplicates')).json.code).toBe('AlreadyRunning');
    await open.get('/api/jobs/jobs/wait?timeout=60');
    const { json: prune } = await open.post('/api/datasets/jobs/prune');
    await open.get(`/api/jobs/${prune.job_id}/wait?timeout=60`);
    const use = (dataset: string, model: string) =>
      open.call('PUT', `/api/datasets/${dataset}/serving`, {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model }),
      });
    const { json: listed } = await open.get('/api/datasets/jobs/models');
    const [served] = listed.models;
    expect(listed).toMatchObject({ serving: served.key, models: [{ embedded: PICTURES, serving: true }] });
    const others = ['other@1', 'other@2'].map((model_key) => ({ dataset_id: 'jobs', model_key, seq: 0, dim: 1 }));
    await collectionsOf(bench.store).embeddings.insertMany(others as never);
    const drop = (model: string, query = '') => open.call('DELETE', `/api/datasets/jobs/models/${model}${query}`);
    expect((await drop(served.key)).json.code).toBe('ModelServes');
    expect((await drop('other')).json.code).toBe('InvalidInput');
    expect((await drop('other@1', '?dry_run=true')).json).toMatchObject({ model: 'other@1', vectors: 1 });
    for (const other of ['other@1', 'other@2'])
      await open.get(`/api/jobs/${(await drop(other)).json.job_id}/wait?timeout=60`);
    expect((await use('jobs', served.key)).json).toMatchObject({ serving: served.key, models: [{}] });
    expect((await use('nothing', 'other')).json.code).toBe('DatasetNotFound');
    const { datasets } = collectionsOf(bench.store);
    await datasets.insertOne({ _id: 'bare', models: [], phases: {} } as never);
    expect((await use('bare', 'other')).json.code).toBe('NoVectors');
    expect((await open.post('/api/datasets/bare/export', { ...exporting, format: 'npy' })).json.code).toBe('NoVectors');
    await datasets.deleteOne({ _id: 'bare' });
    const outside = await open.post('/api/datasets/jobs/relocate', { ...move, to: '/etc' });
    expect(outside.json).toMatchObject({ code: 'SourceOutsideRoots', errors: [{ in: 'body', field: 'to' }] });
    await rename(photos, move.to);
    const { json: relocate } = await open.post('/api/datasets/jobs/relocate', move);
    const { json: relocated } = await open.get(`/api/jobs/${relocate.job_id}/wait?timeout=60`);
    expect(relocated.job).toMatchObject({ kind: 'relocate', state: 'completed', moved: { samples: PICTURES + 1 } });
    const forget = (query: string, source: string) => open.post(`/api/datasets/jobs/forget${query}`, { source });
    const old = await forget('?dry_run=true', photos);
    expect([old.status, old.json.code]).toEqual([422, 'FolderNotInDataset']);
    expect((await forget('?dry_run=true', `${move.to}/`)).json).toEqual({
      dataset: 'jobs',
      dry_run: true,
      samples: PICTURES + 1,
      vectors: PICTURES,
      schedules: [],
    });
    const { json: forgotten } = await open.get(`/api/jobs/${(await forget('', move.to)).json.job_id}/wait?timeout=60`);
    expect(forgotten.job).toMatchObject({ kind: 'forget', removed: { samples: PICTURES + 1, vectors: PICTURES } });
    await rename(move.to, photos);
    const { json: deletion } = await open.call('DELETE', '/api/datasets/jobs');
    const { json: deleted } = await open.get(`/api/jobs/${deletion.job_id}/wait?timeout=60`);
    expect(deleted.job).toMatchObject({ kind: 'delete', state: 'completed' });
    expect((await open.get('/api/datasets/jobs')).json.code).toBe('DatasetNotFound');
  });

  test('of what is asked of schedules, and done with them', async () => {
    const load = { dataset: 'repeated', source: photos, embed: false };
    const create = (more: object = {}) => open.post('/api/schedules', { name: 'hourly', load, ...more });
    expect((await create({ every_seconds: 3600 })).headers.get('location')).toBe('/api/schedules/hourly');
    expect((await create({ every_seconds: 3600 })).json.code).toBe('ScheduleExists');
    expect((await create({ load: { ...load, source: '/etc' }, every_seconds: 3600 })).status).toBe(403);
    await open.get('/api/schedules');
    await open.get('/api/schedules/hourly');
    await open.post('/api/schedules/hourly/pause');
    await open.post('/api/schedules/hourly/resume');
    await open.post('/api/schedules', {
      name: 'late',
      load: { ...load, embed: true, embed_at: '2199-01-01T00:00:00Z' },
      every_seconds: 3600,
    });
    const { json } = await open.post('/api/schedules/late/trigger');
    expect((await open.post('/api/schedules/late/trigger')).json.code).toBe('AlreadyRunning');
    await open.post(`/api/jobs/${json.last_run.job_id}/cancel`);
    for (const name of ['hourly', 'late']) await open.call('DELETE', `/api/schedules/${name}`);
  });

  test('of a reference that several jobs fit, and of pages and sessions', async () => {
    const load = await collectionsOf(bench.store).jobs.findOne();
    for (const end of ['0', '1'])
      await collectionsOf(bench.store).jobs.insertOne({
        ...(load as NonNullable<typeof load>),
        _id: `abcdef00-0000-7000-8000-00000000000${end}`,
        dataset_id: 'other',
      });
    for (const { method, path } of operationsOf(open.api.document).filter(({ path }) => path.includes('{job}')))
      expect(
        (await open.call(method, filled(path, { job: 'abcdef' }), method === 'POST' ? { headers: {} } : {})).json.code,
      ).toBe('AmbiguousJob');
    await collectionsOf(bench.store).jobs.deleteMany({ dataset_id: 'other' });
    expect((await open.get('/api/jobs?cursor=made-up')).status).toBe(400);
    await open.call('DELETE', '/api/jobs?older_than=30d');
    await open.get('/api/events?dataset=NO');
    await open.post('/api/limits', { task_queue: 'nobody', samples_per_second: 1 });
    await open.post('/api/datasets/nothing/tags', { add: ['x'], seqs: [1] });
    await open.post('/api/session', { token: 'any' });
    await open.call('DELETE', '/api/session');
    await mkdir(join(bench.folder, 'more'));
    expect((await open.post('/api/loads', { dataset: 'x', source: '/etc' })).json.code).toBe('SourceOutsideRoots');
  });

  test('and no other', () => {
    const documented = operationsOf(open.api.document).flatMap(({ method, path, responses }) =>
      Object.keys(responses)
        .filter((status) => status !== 'default')
        .map((status) => `${method} ${path} ${status}`),
    );
    expect(documented.filter((one) => !seen.has(one))).toEqual([]);
    expect([...seen].filter((one) => !documented.includes(one))).toEqual([]);
    expect(open.faults).toEqual([]);
  });
});
