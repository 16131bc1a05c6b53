import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createToken } from '../../core/api-tokens.ts';
import { bareEnvironment, runCommand, startCommand } from './command-bench.ts';

const COMMANDS = [
  'up',
  'load',
  'embed',
  'status',
  'jobs',
  'cleanup',
  'limit',
  'wait',
  'datasets',
  'samples',
  'tag',
  'search',
  'models',
  'duplicates',
  'annotate',
  'export',
  'decode',
  'index',
  'annotate',
  'relocate',
  'forget',
  'schedule',
  'models',
  'config',
  'doctor',
  'address',
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-usage-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('help', () => {
  it('names every command', async () => {
    const { code, stdout } = await startCommand(['--help']).ended;
    expect(code).toBe(0);
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
  });

  it.each(COMMANDS)('of %s has examples and its --json', async (command) => {
    const { code, stdout, stderr } = await runCommand([command, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Examples:');
    expect(stdout).toContain(`  plimsoll ${command}`);
    expect(stdout).toContain('With --json:');
  });
});

describe('the help of every command', () => {
  const helpOf = async (...path: string[]) => (await runCommand([...path, '--help'])).stdout;
  /** Returns the commands listed after `Commands:`, except `help`. */
  const commandsIn = (help: string) =>
    [...(/^Commands:\n(.*?)\n\n/ms.exec(help)?.[1] ?? '').matchAll(/^ {2}([\w-]+)/gm)].flatMap(([, name = '']) =>
      name === 'help' ? [] : [name],
    );

  it('fits 80 columns, also in examples, which must be copied whole', async () => {
    const pages = [await helpOf()];
    for (const name of commandsIn(pages[0] ?? '')) {
      const page = await helpOf(name);
      pages.push(page, ...(await Promise.all(commandsIn(page).map((verb) => helpOf(name, verb)))));
    }
    expect(pages.length).toBeGreaterThan(25);
    expect(pages.flatMap((page) => page.split('\n')).filter((line) => line.length > 80)).toEqual([]);
  });

  it('of load has the times to embed at beside each other', async () => {
    const options = [...(await helpOf('load')).matchAll(/^ {2}(--[\w-]+)/gm)].map(([, name]) => name);
    expect(options.slice(options.indexOf('--embed-at'))).toEqual([
      ...['--embed-at', '--embed-window', '--time-zone', '--webhook', '--webhook-secret'],
      ...['--if-running', '--wait', '--data', '--json'],
    ]);
  });

  it('tells a timeout only where there is one', async () => {
    expect(await helpOf('load')).not.toContain('124');
    expect(await helpOf('wait')).toContain('124  timed out');
  });
});

describe('wrong usage', () => {
  it.each([
    ['no command', []],
    ['an unknown command', ['launch']],
    ['an unknown option', ['jobs', '--colour']],
    ['a missing argument', ['load']],
    ['one argument too many', ['samples', 'one', 'two']],
    ['a limit that is no number', ['samples', 'photos', '--limit', 'ten']],
    ['a limit of zero', ['jobs', '--limit', '0']],
    ['an unknown state', ['jobs', '--state', 'done']],
    ['a state that no ended job is in', ['cleanup', '--older-than', '30d', '--state', 'running']],
    ['a cleanup of any age', ['cleanup']],
    ['an age of zero', ['cleanup', '--older-than', '0d']],
    ['an age without a unit', ['cleanup', '--older-than', '30']],
    ['an age that is none', ['cleanup', '--older-than', 'ages']],
    ['a limit of nothing a second', ['limit', '--samples-per-second', '0']],
    ['a limit that is no rate', ['limit', '--samples-per-second', 'fast']],
    ['a limit set and lifted', ['limit', '--samples-per-second', '5', '--off']],
    ['a cosine of duplicates above 1', ['duplicates', 'photos', '--threshold', '1.5']],
    ['a search for duplicates that only lists them', ['duplicates', 'photos', '--list', '--wait']],
    ['a list of duplicates that tags them', ['duplicates', 'photos', '--list', '--tag-rest', 'x']],
    ['a tag with a space at its end', ['duplicates', 'photos', '--tag-rest', 'x ']],
    ['an export without a format', ['export', 'photos', './out']],
    ['an export in no known format', ['export', 'photos', './out', '--format', 'zip']],
    ['an export that copies and links', ['export', 'photos', './out', '--format', 'voc', '--copy', '--link']],
    ['a chunk that is no number', ['decode', 'memory.mp4', '--chunk', 'one']],
    ['a verification of one chunk', ['decode', 'memory.mp4', '--verify', '--chunk', '1']],
    ['an unknown kind of job', ['jobs', '--kind', 'nap']],
    ['a cursor that is none', ['jobs', '--cursor', '2026-01-31T00:00:00Z']],
    ['a time that is none', ['jobs', '--before', 'yesterday']],
    ['an unknown milestone', ['wait', 'photos', '--for', 'lunch']],
    ['a negative timeout', ['wait', 'photos', '--timeout', '-1']],
    ['a share above all', ['load', '.', '--max-failed-percent', '101']],
    ['priority 9', ['load', '.', '--priority', '9']],
    ['a window of zero length', ['load', '.', '--embed-window', '22:00-22:00']],
    ['a time zone that does not exist', ['embed', 'photos', '--time-zone', 'Mars/Olympus']],
    ['a time to embed at that is none', ['load', '.', '--embed-at', 'tonight']],
    ['a webhook that is no address', ['load', '.', '--webhook', 'example.com/hook']],
    ['an unknown thing to do with a running load', ['load', '.', '--if-running', 'queue']],
    ['a schedule with a bad cron', ['schedule', 'create', 'nightly', '.', '--cron', '61 3 * * *']],
    ['a schedule without times', ['schedule', 'create', 'nightly', '.']],
    ['a schedule of every second', ['schedule', 'create', 'nightly', '.', '--every', '1s']],
    ['a verb of schedules that is none', ['schedule', 'forget']],
    ['--exit without --load', ['up', '--exit']],
    ['a port that is none', ['up', '--mongo-port', '65536']],
  ])('exits with 2 for %s', async (_, args) => {
    const { code, stdout, stderr } = await runCommand(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).not.toBe('');
  });

  it('points to the help', async () => {
    expect((await runCommand(['wait'])).stderr).toContain('plimsoll wait --help');
  });

  it('is one JSON document with --json', async () => {
    const { code, stdout, stderr } = await startCommand(['load', '--json']).ended;
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'InvalidUsage', message: "missing required argument 'folder'" },
    });
  });
});

describe('api', () => {
  it('names a port that is in use, and ends', async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const { port } = occupant.address() as AddressInfo;
    const env = { ...bareEnvironment(), MONGODB_URI: 'mongodb://127.0.0.1:1/', TEMPORAL_ADDRESS: '127.0.0.1:1' };
    const { code, stderr } = await startCommand(['api', '--port', String(port)], { env }).ended;
    occupant.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^error: Port ${port} is in use on 127\\.0\\.0\\.1 .* Choose another: --port 0`));
  });
});

describe('who may call what the api command serves', () => {
  const away = { ...bareEnvironment(), MONGODB_URI: 'mongodb://127.0.0.1:1/', TEMPORAL_ADDRESS: '127.0.0.1:1' };

  /** The status of a call without a token, and with that of the printed address. */
  async function calls(args: readonly string[], env: NodeJS.ProcessEnv) {
    const api = startCommand(['api', '--port', '0', ...args], { env });
    let stderr = '';
    api.child.stderr?.on('data', (data) => {
      stderr += data;
    });
    const said = () => /listens at (http:\S+?\d)(?:\/#token=(\S+))?\s/.exec(stderr);
    await expect.poll(said).not.toBeNull();
    const [, url, token] = said() ?? [];
    const call = async (headers: Record<string, string>) => (await fetch(`${url}/api/datasets`, { headers })).status;
    const statuses = [await call({}), token && (await call({ authorization: `Bearer ${token}` }))];
    api.child.kill('SIGINT');
    await api.ended;
    return statuses;
  }

  it('who has the token that it prints; with --open everybody; with tokens of its own who has one of these', async () => {
    const { line } = createToken('read');
    // Its servers are away, so a call that is let in is answered by 503.
    const [closed, open, own] = await Promise.all([
      calls([], away),
      calls(['--open'], away),
      calls([], { ...away, PLIMSOLL_API_TOKENS: line }),
    ]);
    expect(closed).toEqual([401, 503]);
    expect(open).toEqual([503, undefined]);
    expect(own).toEqual([401, undefined]);
  });
});

describe('without servers', () => {
  it('says what to do', async () => {
    const { code, stdout, stderr } = await runCommand(['jobs'], { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('plimsoll up');
    expect(stderr).toContain('MONGODB_URI');
  });

  it('says which of the two is missing', async () => {
    const env = { ...bareEnvironment(), MONGODB_URI: 'mongodb://me:secret@db.example/?replicaSet=rs0' };
    const { code, stderr } = await runCommand(['jobs'], { cwd: folder, env });
    expect(code).toBe(1);
    expect(stderr).toContain('TEMPORAL_ADDRESS');
    expect(stderr).not.toContain('secret');
  });

  it('names the folder of --data', async () => {
    const { code, stdout } = await runCommand(['jobs', '--data', './elsewhere', '--json'], { cwd: folder });
    expect(code).toBe(1);
    expect(JSON.parse(stdout).error).toMatchObject({
      code: 'NoServers',
      message: expect.stringContaining('elsewhere'),
    });
  });

  it('says that a connection string is none', async () => {
    const { code, stdout } = await runCommand(['samples', 'photos', '--json'], {
      cwd: folder,
      env: { ...bareEnvironment(), MONGODB_URI: 'localhost' },
    });
    expect(code).toBe(1);
    expect(JSON.parse(stdout).error).toMatchObject({
      code: 'InvalidSetting',
      message: expect.stringContaining('MONGODB_URI'),
    });
  });

  it('names the address that does not answer, without its password', async () => {
    const MONGODB_URI = 'mongodb://me:secret@127.0.0.1:1/?replicaSet=rs0';
    const { code, stdout } = await runCommand(['samples', 'photos', '--json'], {
      cwd: folder,
      env: { ...bareEnvironment(), MONGODB_URI },
    });
    expect(code).toBe(1);
    expect(JSON.parse(stdout).error).toMatchObject({
      code: 'MongoDBUnreachable',
      message: expect.stringContaining('127.0.0.1:1'),
    });
    expect(stdout).not.toContain('secret');
  });

  it('doctor finds the problems, and exits with 1', async () => {
    const { code, stdout } = await runCommand(['doctor', '--json'], { cwd: folder });
    expect(code).toBe(1);
    const { healthy, checks } = JSON.parse(stdout);
    expect(healthy).toBe(false);
    expect(checks).toContainEqual(expect.objectContaining({ name: 'MongoDB', state: 'problem' }));
    expect(checks).toContainEqual(expect.objectContaining({ name: 'Temporal', state: 'problem' }));
    expect(checks).toContainEqual({ name: 'Node', state: 'ok', found: process.versions.node, advice: null });
  });
});
