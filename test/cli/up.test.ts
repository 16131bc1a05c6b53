import { once } from 'node:events';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readStack } from '../../local/stack-file.ts';
import { makePictures } from '../support/pictures.ts';
import { bareEnvironment, runCommand, startCommand } from './command-bench.ts';

/** Pictures that take some seconds to embed: long enough to be interrupted. */
const MANY = 1500;
const ANY_PORTS = ['--temporal-port', '0', '--ui-port', '0', '--mongo-port', '0', '--api-port', '0'];

let folder: string;
let dataDir: string;
let many: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-up-'));
  dataDir = join(folder, '.plimsoll');
  many = join(folder, 'many');
  await makePictures(many, MANY);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const upArgs = (...args: string[]) => ['up', ...ANY_PORTS, ...args];

describe('up --load', () => {
  it('tells a folder or a model that is not there before anything is started', async () => {
    const { code, stdout, stderr } = await startCommand(upArgs('--load', './nothing'), { cwd: folder }).ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(join(folder, 'nothing'));
    const modelless = await startCommand(upArgs('--load', './many', '--model', 'nothing', '--json'), { cwd: folder })
      .ended;
    expect([modelless.code, JSON.parse(modelless.stdout).error.code]).toEqual([1, 'ModelNotFound']);
    await expect(access(dataDir)).rejects.toThrow();
  });

  it('tells all ports that are taken at once, and a command that avoids them', async () => {
    const occupants = [createServer(), createServer(), createServer()].map((server) => server.listen(0, '127.0.0.1'));
    await Promise.all(occupants.map((server) => once(server, 'listening')));
    const [temporal, mongo, api] = occupants.map((server) => String((server.address() as AddressInfo).port));
    const taken = ['--temporal-port', temporal, `--mongo-port=${mongo}`, '--api-port', api] as string[];
    const args = ['up', '--load', './a folder', ...taken, '--ui-port', '0', '--json'];
    await makePictures(join(folder, 'a folder'), 1);
    const { code, stdout } = await startCommand(args, { cwd: folder }).ended;
    for (const occupant of occupants) occupant.close();
    const { error } = JSON.parse(stdout);
    expect([code, error.code]).toEqual([1, 'PortTaken']);
    for (const part of [`${temporal}, for Temporal's server`, `${mongo}, for mongod`, `${api}, for the HTTP API`])
      expect(error.message).toContain(part);
    const [, command = ''] = /This avoids it: (.*)$/.exec(error.message) ?? [];
    expect(command).toMatch(
      /^plimsoll up --load '\.\/a folder' --ui-port 0 --json --temporal-port \d+ --mongo-port \d+ --api-port \d+$/,
    );
    const free = command.match(/(?<=-port )[1-9]\d+/g) ?? [];
    expect(free).toHaveLength(3);
    for (const port of free) {
      const server = createServer().listen(Number(port), '127.0.0.1');
      await once(server, 'listening');
      server.close();
    }
    await rm(join(folder, 'a folder'), { recursive: true });
  });

  it('takes up a load that an earlier one was stopped in', async () => {
    const first = startCommand(upArgs('--load', './many', '--exit'), { cwd: folder });
    await first.says('Browsable');
    first.child.kill('SIGINT');
    const stopped = await first.ended;
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain('stopped; 1 job goes on at the next start: many');
    expect(await readStack(dataDir)).toBeUndefined();

    const { code, stdout, stderr } = await startCommand(upArgs('--load', './many', '--exit', '--json'), { cwd: folder })
      .ended;
    expect(stderr).toContain('a load of many is already running');
    expect(code).toBe(0);
    const { load, ...addresses } = JSON.parse(stdout);
    expect(load).toMatchObject({
      dataset: 'many',
      state: 'completed',
      phases: { indexing: { done: MANY, total: MANY }, embedding: { done: MANY, failed: 0, total: MANY } },
    });
    expect(addresses).toEqual({
      page_url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      token_file: join(dataDir, 'token'),
      temporal_address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      temporal_namespace: 'default',
      mongodb_uri: expect.stringMatching(/^mongodb:\/\/\*\*\*@127\.0\.0\.1:\d+\//),
      ui_url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      data_dir: dataDir,
    });
  });

  it('tells after a load with the built-in model how to get search by words', async () => {
    const few = join(folder, 'few');
    await makePictures(few, 2);
    const { code, stderr } = await startCommand(upArgs('--load', few, '--exit'), { cwd: folder }).ended;
    expect(code).toBe(0);
    expect(stderr.match(/Search by words: .*/g)).toEqual([
      'Search by words: plimsoll models fetch clip-vit-b32, then load with --model clip-vit-b32',
    ]);
  });

  it('with --exit ends with 1 when the load fails', async () => {
    const bad = join(folder, 'bad');
    await makePictures(bad, 1);
    await writeFile(join(bad, 'a.jpg'), 'text');
    await rm(join(bad, 'picture-000000.jpg'));
    const { code, stdout } = await startCommand(upArgs('--load', bad, '--exit'), { cwd: folder }).ended;
    expect(code).toBe(1);
    expect(stdout).toContain('Load of bad failed');
    expect(stdout).toContain('TooManyFailed');
  });
});

describe('up', () => {
  it('stays up with the data of before, is found from folders below, and stops on Ctrl-C', async () => {
    const env = { ...bareEnvironment(), npm_package_name: 'plimsoll', npm_lifecycle_event: 'start', INIT_CWD: folder };
    const up = startCommand(upArgs(), { cwd: folder, env });
    await up.says('Running until Ctrl-C');
    // A fresh checkout has no `plimsoll` command yet.
    await up.says("alias plimsoll='npm --prefix ");
    const address = async (what: string) => (await runCommand(['address', what], { cwd: many })).stdout.trim();
    // The printed address signs its reader in.
    await up.says(await address('page'));
    expect(await address('page')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=plimsoll_[\w-]{43}$/);
    expect(await address('mongodb')).toBe((await readStack(dataDir))?.mongodbUri);
    expect(await address('temporal')).toBe((await readStack(dataDir))?.temporalAddress);
    const authorization = `Bearer ${await address('token')}`;
    expect((await fetch(`${await address('api')}/datasets`, { headers: { authorization } })).status).toBe(200);

    const jobs = await runCommand(['jobs', '--dataset', 'many', '--json'], { cwd: many });
    expect(JSON.parse(jobs.stdout).jobs).toMatchObject([{ dataset: 'many', state: 'completed' }]);
    const samples = await runCommand(['samples', 'many', '--limit', '1', '--data', '../.plimsoll'], { cwd: many });
    expect(samples.stdout).toContain('picture-000000.jpg');
    const absent = await runCommand(['load', './absent', '--json'], { cwd: folder });
    expect(absent.code).toBe(1);
    expect(JSON.parse(absent.stdout).error).toEqual({
      code: 'SourceNotFound',
      message: `There is no folder ${join(folder, 'absent')}.`,
    });
    for (const command of [
      ['load', './many'],
      ['embed', 'many'],
      ['retry', 'many'],
    ]) {
      const unknown = await runCommand([...command, '--model', 'nothing', '--json'], { cwd: folder });
      expect([unknown.code, JSON.parse(unknown.stdout).error.code]).toEqual([1, 'ModelNotFound']);
    }
    const told = ['load', './many', '--dataset', 'told', '--webhook', 'https://example.com/x', '--json'];
    const unsigned = await runCommand(told, { cwd: folder });
    expect(unsigned.code).toBe(1);
    expect(JSON.parse(unsigned.stdout).error.code).toBe('UnknownWebhookSecret');
    const second = await startCommand(upArgs('--json'), { cwd: folder }).ended;
    expect(second.code).toBe(1);
    expect(JSON.parse(second.stdout).error).toMatchObject({
      code: 'StackRunning',
      message: expect.stringContaining(dataDir),
    });
    const page = (await readStack(dataDir))?.apiUrl;
    expect(JSON.parse(second.stdout).error.message).toContain(`Its page: ${page}.`);

    // Pictures show wherever they are loaded from, by the command too.
    const elsewhere = await mkdtemp(join(tmpdir(), 'plimsoll-elsewhere-'));
    await makePictures(elsewhere, 1);
    const load = ['load', elsewhere, '--dataset', 'elsewhere', '--no-embed', '--wait'];
    expect((await runCommand(load, { cwd: folder })).code).toBe(0);
    const picture = await fetch(`${page}/api/datasets/elsewhere/samples/0/thumbnail`, { headers: { authorization } });
    expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/webp']);
    await rm(elsewhere, { recursive: true });

    expect(
      (await runCommand(['load', './many', '--dataset', 'later', '--embed-at', '2036-01-01'], { cwd: folder })).code,
    ).toBe(0);
    up.child.kill('SIGINT');
    const { code, stdout, stderr } = await up.ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toContain('stopped; 1 job goes on at the next start: later');
    expect(await readStack(dataDir)).toBeUndefined();
    expect((await runCommand(['jobs'], { cwd: folder })).code).toBe(1);

    const again = startCommand(upArgs(), { cwd: folder });
    await again.says('1 job goes on: later');
    again.child.kill('SIGINT');
    await again.ended;
  });
});
