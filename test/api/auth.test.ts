import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTokens } from '../../api/auth/tokens.ts';
import { settingsFrom } from '../../api/settings.ts';
import { createToken } from '../../core/api-tokens.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { fillDataset, SOURCE } from './support/fill.ts';
import { openTestApi, openUnready, type TestApi } from './support/open-api.ts';

const reader = createToken('read');
const operator = createToken('operate');
let bench: Workbench;
let open: TestApi;
let closed: TestApi;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
  await fillDataset(bench.store, 'photos', 5);
  await collectionsOf(bench.store).jobs.insertOne({
    _id: '01999999-9999-7999-9999-999999999999',
    kind: 'load',
    dataset_id: 'photos',
    workflow_id: 'load-photos',
    request: { dataset: 'photos', source: SOURCE, model: '/srv/models/clip' },
    state: 'failed',
    phases: {
      indexing: {
        state: 'failed',
        done: 0,
        failed: 0,
        total: 0,
        total_known: false,
        unreadable_folders: [`${SOURCE}/x`],
        outside_links: [`${SOURCE}/link.jpg`],
      },
      embedding: { state: 'skipped', done: 0, failed: 0, total: 0, total_known: false },
    },
    error: { code: 'SourceNotFound', message: `source: ${SOURCE} does not exist on the worker's machine.` },
    started_at: new Date(),
    finished_at: new Date(),
  });
  open = await openTestApi(bench.store);
  closed = await openTestApi(bench.store, {
    tokens: await readTokens({ PLIMSOLL_API_TOKENS: `${reader.line} ${operator.line}` }),
    sourceRoots: ['/srv/data'],
  });
});

afterAll(async () => {
  await Promise.all([open?.close(), closed?.close()]);
  await bench?.stop();
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('with tokens', () => {
  test.each(['/api/datasets', '/api/jobs', '/api/events', '/metrics', '/api/sources', '/api/models', '/api/nothing'])(
    '%s needs one',
    async (path) => {
      const answer = await closed.get(path);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    },
  );

  test.each(['/health', '/ready', '/api/config', '/api/docs', '/api/openapi.json', '/'])(
    '%s needs none',
    async (path) => {
      expect((await closed.get(path)).status).toBe(200);
    },
  );

  test.each([
    ['made up', 'x'],
    ['longer', `${operator.token}x`],
    ['shorter', operator.token.slice(1)],
    ['its hash', operator.line],
    ['empty', ''],
    ['not ASCII', '\u00e9'],
  ])('one that is not known is refused: %s', async (_name, token) => {
    expect((await closed.get('/api/datasets', bearer(token))).status).toBe(401);
  });

  test('of scope read asks, and changes nothing', async () => {
    expect((await closed.get('/api/datasets', bearer(reader.token))).status).toBe(200);
    expect((await closed.get('/api/config', bearer(reader.token))).json.scope).toBe('read');
    const body = { add: ['x'], seqs: [1] };
    expect((await closed.post('/api/datasets/photos/tags', body, bearer(reader.token))).json.code).toBe('ScopeMissing');
    expect((await closed.call('DELETE', '/api/datasets/photos', { headers: bearer(reader.token) })).status).toBe(403);
    expect((await closed.get('/api/sources', bearer(reader.token))).status).toBe(403);
    expect((await closed.post('/api/datasets/photos/tags', body, bearer(operator.token))).status).toBe(200);
  });

  test('of scope read sees no path of the server', async () => {
    for (const path of [
      '/api/datasets',
      '/api/datasets/photos',
      '/api/datasets/photos/samples',
      '/api/datasets/photos/samples/1',
      '/api/datasets/photos/samples/1/neighbors',
      '/api/datasets/photos/samples/1/file',
      '/api/jobs',
      '/api/jobs/photos',
      '/api/jobs/photos/wait',
      '/api/jobs/photos/failures',
    ]) {
      const { json, status } = await closed.get(path, bearer(reader.token));
      expect(JSON.stringify(json), `${path} ${status}`).not.toMatch(/\/srv|srv\//);
    }
    const sample = await closed.get('/api/datasets/photos/samples/1', bearer(reader.token));
    expect(sample.json.sample).toMatchObject({ path: 'photos/1/img-0000001.jpg', filepath: null });
    const whole = await closed.get('/api/datasets/photos/samples/1', bearer(operator.token));
    expect(whole.json.sample.filepath).toBe(`${SOURCE}/1/img-0000001.jpg`);
  });

  test('of scope read does not feel its way along absolute paths', async () => {
    const answer = await closed.get('/api/datasets/photos/samples?path_prefix=/srv', bearer(reader.token));
    expect(answer.json.code).toBe('ScopeMissing');
  });

  test('behind a proxy that speaks TLS the cookie is for TLS alone', async () => {
    const begun = await closed.post('/api/session', { token: reader.token }, { 'x-forwarded-proto': 'https' });
    expect(begun.headers.get('set-cookie')).toMatch(/Secure/);
  });
});

describe('a session of the page', () => {
  const sessions = () => collectionsOf(bench.store).sessions;

  /** Signs in, and returns the cookie as a browser sends it. */
  async function signIn(
    api: TestApi,
    token: string,
    headers: Record<string, string> = {},
  ): Promise<{ cookie: string }> {
    const { status, headers: given } = await api.post('/api/session', { token }, headers);
    expect(status).toBe(200);
    return { cookie: given.get('set-cookie')?.split(';')[0] as string };
  }

  const statusWith = async (api: TestApi, cookie: { cookie: string }) =>
    (await api.get('/api/datasets', cookie)).status;

  test('is in a cookie out of the reach of scripts, which is not the token', async () => {
    const begun = await closed.post('/api/session', { token: reader.token });
    expect(begun.json).toEqual({ scope: 'read' });
    const cookie = begun.headers.get('set-cookie') as string;
    expect(cookie).toMatch(/^plimsoll_session=[\w-]{43};.*HttpOnly/);
    expect(cookie).toMatch(/SameSite=Strict/);
    expect(cookie).not.toContain(reader.token);
    const [pair] = cookie.split(';') as [string];
    expect(await statusWith(closed, { cookie: pair })).toBe(200);
    expect(
      (await closed.post('/api/datasets/photos/tags', { add: ['x'], seqs: [1] }, { cookie: pair })).json.code,
    ).toBe('ScopeMissing');
  });

  test.each(['made-up', 'x'.repeat(43), reader.token])(
    'is none with the cookie %s, which is deleted',
    async (value) => {
      const answer = await closed.get('/api/datasets', { cookie: `plimsoll_session=${value}` });
      expect(answer.status).toBe(401);
      expect((await closed.get('/api/config', { cookie: `plimsoll_session=${value}` })).json.scope).toBeNull();
      expect(answer.headers.get('set-cookie')).toMatch(/Max-Age=0/);
    },
  );

  test('is not begun with an unknown token', async () => {
    expect((await closed.post('/api/session', { token: 'made-up' })).status).toBe(401);
  });

  test('is known to each server of the database, and ends on all of them', async () => {
    const replica = await openTestApi(bench.store, { tokens: closed.context.settings.tokens, sourceRoots: [] });
    try {
      const session = await signIn(closed, operator.token);
      const other = await signIn(closed, operator.token);
      expect(await statusWith(replica, session)).toBe(200);
      const ended = await replica.call('DELETE', '/api/session', { headers: session });
      expect(ended.status).toBe(204);
      expect(ended.headers.get('set-cookie')).toMatch(/Max-Age=0/);
      expect([await statusWith(closed, session), await statusWith(replica, session)]).toEqual([401, 401]);
      expect(await statusWith(closed, other)).toBe(200);
    } finally {
      await replica.close();
    }
  });

  test('ends when its token is withdrawn', async () => {
    const session = await signIn(closed, reader.token);
    const tokens = await readTokens({ PLIMSOLL_API_TOKENS: operator.line });
    const later = await openTestApi(bench.store, { tokens, sourceRoots: [] });
    try {
      expect(await statusWith(later, session)).toBe(401);
    } finally {
      await later.close();
    }
  });

  test('ends when another one begins in the same browser', async () => {
    const first = await signIn(closed, reader.token);
    const second = await signIn(closed, operator.token, first);
    expect([await statusWith(closed, first), await statusWith(closed, second)]).toEqual([401, 200]);
  });

  test('is stored without a secret, and for 30 days', async () => {
    await sessions().deleteMany({});
    const { cookie } = await signIn(closed, reader.token);
    const [stored] = await sessions().find().toArray();
    expect(Object.keys(stored ?? {}).sort()).toEqual(['_id', 'expires_at', 'token']);
    const text = JSON.stringify(stored);
    expect(text).not.toContain(reader.token);
    expect(text).not.toContain(cookie.split('=')[1]);
    const days = ((stored?.expires_at.getTime() ?? 0) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(29.9);
    expect(days).toBeLessThan(30.1);
    expect(await sessions().listIndexes().toArray()).toContainEqual(
      expect.objectContaining({ key: { expires_at: 1 }, expireAfterSeconds: 0 }),
    );
  });

  test('has ended when its time is over, even before MongoDB removes it', async () => {
    await sessions().deleteMany({});
    const session = await signIn(closed, reader.token);
    // Without the index, MongoDB removes nothing meanwhile.
    await sessions().dropIndex('expires_at_1');
    await sessions().updateMany({}, { $set: { expires_at: new Date(Date.now() - 1) } });
    expect(await statusWith(closed, session)).toBe(401);
    expect(await sessions().countDocuments()).toBe(1);
  });

  test('is needed by nothing that tells whether the server is there, nor by the reference', async () => {
    const storeless = await openUnready({
      mongodbUri: 'mongodb://127.0.0.1:1/?replicaSet=none',
      tokens: closed.context.settings.tokens,
    });
    try {
      const cookie = `plimsoll_session=${'x'.repeat(43)}`;
      expect((await storeless.get('/health', { cookie })).status).toBe(200);
      expect((await storeless.get('/ready', { cookie })).json.mongodb.ready).toBe(false);
      expect((await storeless.get('/api/docs', { cookie })).status).toBe(200);
      const refused = await storeless.get('/api/models', { cookie });
      expect(refused.json.code).toBe('MongoDBUnavailable');
      expect(refused.headers.get('set-cookie')).toBeNull();
      const kept = await storeless.call('DELETE', '/api/session', { headers: { cookie } });
      expect([kept.status, kept.headers.get('set-cookie')]).toEqual([503, null]);
    } finally {
      await storeless.close();
    }
  });
});

describe('other sites', () => {
  test.each(['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example:7400', '10.0.0.1', '[::2]', 'a b', ''])(
    'a name that is not ours is not answered: %s',
    async (host) => {
      const answer = await open.get('/api/datasets', { host });
      expect(answer.json.code).toBe('HostRefused');
    },
  );

  test.each(['localhost', 'LOCALHOST:7400', '127.0.0.1:7400', '127.1.2.3', '[::1]:80'])('%s is ours', async (host) => {
    expect((await open.get('/api/datasets', { host })).status).toBe(200);
  });

  test.each([
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost:9999' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ])('change nothing: %o', async (headers) => {
    const answer = await open.post(
      '/api/datasets/photos/tags',
      { add: ['x'], seqs: [1] },
      headers as Record<string, string>,
    );
    expect(answer.json.code).toBe('OriginRefused');
  });

  test('the page itself may, and no site is told anything by CORS', async () => {
    const answer = await open.post(
      '/api/datasets/photos/tags',
      { add: ['x'], seqs: [1] },
      { origin: 'http://localhost', 'sec-fetch-site': 'same-origin' },
    );
    expect(answer.status).toBe(200);
    const other = await open.get('/api/datasets', { origin: 'https://evil.example' });
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
    expect(other.headers.get('cross-origin-resource-policy')).toBe('same-origin');
  });

  test('that are configured may', async () => {
    const labels = await openTestApi(bench.store, { origins: ['https://labels.example'] });
    try {
      const headers = { origin: 'https://labels.example' };
      const asked = await labels.get('/api/datasets', headers);
      expect(asked.headers.get('access-control-allow-origin')).toBe('https://labels.example');
      expect(asked.headers.get('access-control-expose-headers')).toContain('ETag');
      expect((await labels.post('/api/datasets/photos/tags', { add: ['y'], seqs: [1] }, headers)).status).toBe(200);
      const stranger = await labels.get('/api/datasets', { origin: 'https://evil.example' });
      expect(stranger.headers.get('access-control-allow-origin')).toBeNull();
    } finally {
      await labels.close();
    }
  });
});

describe('settings', () => {
  const env = { MONGODB_URI: 'mongodb://127.0.0.1/' };

  test('names of the server are taken in any letters, as browsers send them in small ones', async () => {
    expect((await settingsFrom({ ...env, PLIMSOLL_API_HOSTS: 'MyBox' })).hostNames).toEqual(['mybox']);
  });

  test('an address that others reach needs a token and source roots', async () => {
    await expect(settingsFrom(env, { host: '0.0.0.0' })).rejects.toThrow(/token/);
    const tokens = { ...env, PLIMSOLL_API_TOKENS: reader.line };
    await expect(settingsFrom(tokens, { host: '0.0.0.0' })).rejects.toThrow(/PLIMSOLL_SOURCE_ROOTS/);
    const all = { ...tokens, PLIMSOLL_SOURCE_ROOTS: '/srv/data' };
    expect(await settingsFrom(all, { host: '0.0.0.0' })).toMatchObject({ host: '0.0.0.0', sourceRoots: ['/srv/data'] });
    expect(await settingsFrom(env)).toMatchObject({ host: '127.0.0.1', port: 7400, tokens: [] });
  });

  test('tokens are read from a file, with remarks', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'plimsoll-tokens-'));
    const file = join(folder, 'tokens');
    await writeFile(file, `# who labels\n${reader.line}  # anna\n\n${operator.line}\n`);
    const tokens = await readTokens({ PLIMSOLL_API_TOKENS_FILE: file });
    expect(tokens.map(({ scope }) => scope)).toEqual(['read', 'operate']);
    await rm(folder, { recursive: true });
  });

  test('a token itself in the place of its line is refused without a word of it', async () => {
    const refused = readTokens({ PLIMSOLL_API_TOKENS: reader.token });
    await expect(refused).rejects.toThrow(/plimsoll token create/);
    await expect(refused).rejects.not.toThrow(reader.token);
  });
});
