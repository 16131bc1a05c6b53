import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBackends } from '../../api/backends/backends.ts';
import { settingsFrom } from '../../api/settings.ts';
import { type Stack, startStack } from '../../local/stack.ts';
import { readStack } from '../../local/stack-file.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { openTestApi, uriOf } from './support/open-api.ts';

const MODULE = join(import.meta.dirname, '../../api/serve.ts');
let bench: Workbench;

beforeAll(async () => {
  bench = await openWorkbench({ roles: [] });
});

afterAll(() => bench?.stop());

const envOf = (more: object = {}) => ({
  ...process.env,
  MONGODB_URI: uriOf(bench.store),
  TEMPORAL_ADDRESS: '127.0.0.1:1',
  ...more,
});

async function said(child: ChildProcess): Promise<string> {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  // At `close` all output has been read, which is not certain at `exit`.
  const [code] = await once(child, 'close');
  return `${code} ${text}`;
}

describe('the process', () => {
  test('says where it listens, serves, and ends when it is asked to', async () => {
    const child = fork(MODULE, ['--port', '0'], { env: envOf(), silent: true });
    const [message] = (await once(child, 'message')) as [{ type: string; url: string }];
    expect(message.type).toBe('ready');
    expect((await fetch(`${message.url}/health`)).status).toBe(200);
    // An open stream does not hold it up.
    const stream = await fetch(`${message.url}/api/config`);
    expect(stream.status).toBe(200);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect((await exited)[0]).toBe(0);
  });

  test('does not start where others could do all', async () => {
    const child = fork(MODULE, ['--host', '0.0.0.0', '--port', '0'], { env: envOf(), silent: true });
    expect(await said(child)).toMatch(/^1 0\.0\.0\.0 can be reached from other machines/);
  });
});

describe('a setting that is wrong is named', () => {
  test.each([
    ['MONGODB_URI', ''],
    ['PLIMSOLL_SOURCE_ROOTS', 'photos'],
    ['PLIMSOLL_THUMBNAILS_MB', 'much'],
    ['PLIMSOLL_API_STREAMS', '0'],
    ['PLIMSOLL_API_ORIGINS', 'labels.example/app'],
    ['PLIMSOLL_API_TOKENS_FILE', '/no/such/file'],
  ])('%s=%s', async (name, value) => {
    await expect(settingsFrom({ MONGODB_URI: 'mongodb://x', [name]: value })).rejects.toThrow(name);
  });

  test('a connection string that is none', () => {
    expect(() => openBackends({ mongodbUri: 'http://x', env: {} })).toThrow(/MONGODB_URI can't be used/);
  });
});

test('where any folder may be loaded, one is chosen from the home folder and the one it was started in', async () => {
  const open = await openTestApi(bench.store);
  const { json } = await open.get('/api/sources');
  expect(json).toMatchObject({ restricted: false });
  expect(json.roots.map(({ path }: { path: string }) => path)).toEqual(
    expect.arrayContaining([homedir(), process.cwd()]),
  );
  await open.close();
});

describe('in the local stack', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack({
      dataDir: join(bench.folder, 'stack'),
      open: true,
      roles: [],
      ui: 'off',
      ports: { temporal: 0, mongo: 0 },
      api: { port: 0, sourceRoots: [bench.folder] },
    });
  });

  afterAll(() => stack?.stop());

  test('its address is on file, it is ready, and it comes back when it dies', async () => {
    const { apiUrl, dataDir, members } = stack;
    expect((await readStack(dataDir))?.apiUrl).toBe(apiUrl);
    await expect.poll(async () => (await fetch(`${apiUrl}/ready`)).status).toBe(200);
    const sources = await (await fetch(`${apiUrl}/api/sources`)).json();
    expect(sources).toMatchObject({ restricted: true, roots: [{ path: bench.folder }] });
    await members.api?.kill();
    await members.api?.ready();
    expect((await fetch(`${apiUrl}/health`)).status).toBe(200);
  });
});
