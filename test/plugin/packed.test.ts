import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { registerNamespace } from '../support/namespace.ts';
import { makePictures } from '../support/pictures.ts';
import { codeBlocks } from './code-blocks.ts';
import { freePort } from './free-port.ts';

const root = join(import.meta.dirname, '../..');
const require = createRequire(import.meta.url);
const run = promisify(execFile);

let folder: string;
let project: string;
let env: NodeJS.ProcessEnv;
/** Keeps the documented task queue from workers of other tests. */
const namespace = `packed-${randomUUID().slice(0, 8)}`;
let packed: string[];

/** Packs the package as it would be published, and installs it into a new project. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-packed-'));
  project = join(folder, 'own-worker');
  const mongodb = new URL(inject('mongodbUri'));
  mongodb.pathname = '/packed';
  env = {
    ...process.env,
    MONGODB_URI: mongodb.href,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: namespace,
    PLIMSOLL_CACHE: join(folder, 'cache'),
  };
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  await registerNamespace(connection, namespace);
  await connection.close();
  await cp(join(root, 'examples/own-worker'), project, { recursive: true });
  await takeOurTemporal();
  await writeCodeThatUsesTheTypes();
  await copyOurPackages();

  const pack = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root, env });
  const [{ filename, files }] = JSON.parse(pack.stdout.slice(pack.stdout.indexOf('[\n')));
  packed = files.map(({ path }: { path: string }) => path);
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline'];
  // Temporal's declarations import `ms`, whose types are not found without @types/ms. The rest is for the documents.
  const tracing = ['resources', 'sdk-trace-base'].map((name) => `@opentelemetry/${name}@^1.25.1`);
  const interceptors = `@temporalio/interceptors-opentelemetry@${require('@temporalio/worker/package.json').version}`;
  const packages = [join(folder, filename), '@types/ms', interceptors, ...tracing];
  await run('npm', ['install', ...quiet, ...packages], { cwd: project, env });
});

/** Installs the version of Temporal's SDK that is tested here. A newer one may be out. */
async function takeOurTemporal(): Promise<void> {
  const path = join(project, 'package.json');
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  for (const name of Object.keys(manifest.dependencies).filter((name) => name.startsWith('@temporalio/')))
    manifest.dependencies[name] = require(`${name}/package.json`).version;
  await writeFile(path, JSON.stringify(manifest));
}

async function writeCodeThatUsesTheTypes(): Promise<void> {
  const text = await readFile(join(import.meta.dirname, 'types-of-the-package.ts.txt'), 'utf8');
  await writeFile(join(project, 'types.ts'), text);
  // This setting knows neither import attributes nor JSON modules.
  const withoutSchema = text.replaceAll(/^.*schema.*$/gm, '');
  await writeFile(join(project, 'types16.ts'), withoutSchema);
  await mkdir(join(project, 'commonjs'));
  await writeFile(join(project, 'commonjs/package.json'), '{"type":"commonjs"}');
  await writeFile(join(project, 'commonjs/types.ts'), withoutSchema);
}

/**
 * Copies the packages that are installed here and are for more than development. `npm install` keeps those that the
 * project needs, and removes the others. To unpack all of them takes half a minute of CPU time.
 */
async function copyOurPackages(): Promise<void> {
  const installed = JSON.parse(await readFile(join(root, 'node_modules/.package-lock.json'), 'utf8'));
  const packages = Object.entries<{ dev?: true }>(installed.packages);
  // A package's folder also holds those that are nested in it.
  for (const [path, { dev }] of packages)
    if (!dev && path.lastIndexOf('node_modules/') === 0)
      cpSync(join(root, path), join(project, path), { recursive: true });
}

afterAll(() => rm(folder, { recursive: true, force: true }));

const plimsoll = (...args: string[]) => run(join(project, 'node_modules/.bin/plimsoll'), args, { cwd: project, env });

describe('the packed package', () => {
  it('holds what its exports name, the schemas and the models, and no test', () => {
    expect(packed).toEqual(
      expect.arrayContaining([
        'dist/THIRD-PARTY-NOTICES.txt',
        'dist/workers/index.js',
        'dist/workers/index.d.ts',
        'dist/workflows/index.js',
        'dist/client/index.js',
        'dist/cli/plimsoll.js',
        'docs/schemas/load-dataset.json',
        'models/color-gradient-grid/model.onnx',
      ]),
    );
    expect(packed.filter((path) => /^(test|bench|scripts)\//.test(path))).toEqual([]);
  });

  it('says where it comes from', async () => {
    const manifest = JSON.parse(await readFile(join(project, 'node_modules/plimsoll/package.json'), 'utf8'));
    const repository = 'https://github.com/plimsoll-data/plimsoll';

    expect(manifest).toMatchObject({
      repository: { type: 'git', url: `git+${repository}.git` },
      homepage: `${repository}#readme`,
      bugs: { url: `${repository}/issues` },
      author: expect.stringMatching(/Plimsoll/),
      keywords: expect.arrayContaining(['temporal', 'mongodb']),
    });
  });

  it('shares one copy of Temporal with the project', async () => {
    const { stdout } = await run('npm', ['ls', '--all', '--parseable', '@temporalio/common', 'nexus-rpc'], {
      cwd: project,
    });

    const copies = stdout
      .trim()
      .split('\n')
      .map((path) => path.slice(project.length));
    expect(copies.toSorted()).toEqual(['/node_modules/@temporalio/common', '/node_modules/nexus-rpc']);
  });

  it('brings the command', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

    expect((await plimsoll('--version')).stdout.trim()).toBe(version);
    expect(JSON.parse((await plimsoll('jobs', '--json')).stdout)).toMatchObject({ jobs: expect.any(Array) });
  });
});

/** Compiles files of the project, and every library's types. Returns what the compiler says. */
async function compile(options: string[], ...files: string[]): Promise<string> {
  const strict = ['--strict', '--noEmit', '--target', 'es2022', '--lib', 'es2022', '--skipLibCheck', 'false'];
  const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
  const args = [...strict, ...types, ...options, '--ignoreConfig', ...files];
  return (await run(join(root, 'node_modules/.bin/tsc'), args, { cwd: project }).catch((failure) => failure)).stdout;
}

describe('the types of the package', () => {
  it.each([
    ['node16', ['--module', 'node16'], 'types16.ts'],
    ['a bundler', ['--module', 'esnext', '--moduleResolution', 'bundler', '--resolveJsonModule'], 'types.ts'],
  ])('are checked for %s, with those of all libraries', async (_, options, file) => {
    expect(await compile(options, file)).toBe('');
  });

  it('are checked for nodenext by TypeScript 6', async () => {
    const check = [join(import.meta.dirname, 'check-declarations.ts'), 'types.ts', join(root, 'node_modules/@types')];
    const { stdout, stderr } = await run(process.execPath, check, { cwd: project });
    expect(stdout).toBe('');
    expect(Number(/^(\d+) files$/m.exec(stderr)?.[1])).toBeGreaterThan(50);
  });
});

it('can be required from CommonJS', async () => {
  const script = `const { PlimsollPlugin } = require('plimsoll');
    const { connectPlimsoll } = require('plimsoll/client');
    const { loadDataset } = require('plimsoll/workflows');
    console.log([PlimsollPlugin, connectPlimsoll, loadDataset].map(({ name }) => name).join());`;
  const { stdout } = await run(process.execPath, ['--input-type=commonjs', '-e', script], { cwd: project });

  expect(stdout).toBe('PlimsollPlugin,connectPlimsoll,loadDataset\n');
});

describe('the bundle of our workflows in the package', () => {
  const installed = () => join(project, 'node_modules/plimsoll/dist');

  it('starts a worker that keeps no bundle of its own', async () => {
    const worker = spawn(process.execPath, [join(installed(), 'workers/run.js'), '--role', 'indexing'], { env });
    const ended = once(worker, 'exit');
    const [line] = await Promise.race([once(worker.stderr, 'data'), ended]);
    worker.kill('SIGTERM');

    expect(String(line)).toMatch(/^The indexing worker polls/);
    expect(await ended).toEqual([0, null]);
    expect(await readdir(env.PLIMSOLL_CACHE ?? '').catch(() => [])).not.toContain('bundles');
  });

  it('names no path of the machine that built it in stack traces', async () => {
    const [name = ''] = await readdir(join(installed(), 'bundles'));
    const bundle = await readFile(join(installed(), 'bundles', name), 'utf8');
    const [code = '', map = ''] = bundle.split('//# sourceMappingURL=data:application/json;charset=utf-8;base64,');
    const { sources } = JSON.parse(Buffer.from(map, 'base64').toString());

    expect(code.includes(root)).toBe(false);
    expect(sources).toContain('plimsoll/workflows/load-dataset.ts');
    expect(sources.filter((source: string) => source.startsWith('/'))).toEqual([]);
  });
});

describe('a worker of the user’s own, with workflows of its own beside ours', () => {
  let worker: ChildProcess;
  let log = '';

  beforeAll(() => {
    worker = spawn(process.execPath, ['worker.ts'], { cwd: project, env });
    worker.stderr?.on('data', (text) => (log += text));
  });
  afterAll(async () => {
    if (worker.exitCode !== null || worker.signalCode !== null) return;
    worker.kill('SIGTERM');
    await once(worker, 'exit');
  });

  it('says that it polls, and nothing else', async () => {
    while (!log.endsWith('\n')) await once(worker.stderr as Readable, 'data');
    expect(log).toBe(`The worker polls task queue photos at ${env.TEMPORAL_ADDRESS}.\n`);
  });

  it('runs a workflow that loads a dataset as its child, and awaits it', async () => {
    const pictures = join(folder, 'pictures');
    await makePictures(pictures, 6);

    const { stdout } = await run(process.execPath, ['import.ts', 'Two Weeks by the Sea!', pictures], {
      cwd: project,
      env,
    }).catch((error) => expect.unreachable(`${error.stderr}\n${log}`));

    expect(JSON.parse(stdout)).toMatchObject({
      dataset: 'two-weeks-by-the-sea',
      photos: 6,
      unreadable: 0,
      vectors: 6,
      state: 'completed',
    });
    expect(JSON.parse((await plimsoll('status', 'two-weeks-by-the-sea', '--json')).stdout)).toMatchObject({
      workflow_id: 'load-two-weeks-by-the-sea',
      state: 'completed',
    });
  });

  it('ends in peace on SIGTERM, with nothing left open', async () => {
    worker.kill('SIGTERM');
    const [code] = await once(worker, 'exit');

    expect(code).toBe(0);
  });
});

describe('the code in docs/plugin.md', () => {
  const METRICS = '127.0.0.1:9464';
  let code: string;
  let source: string;
  let metrics: string;

  beforeAll(async () => {
    code = join(project, 'documented');
    source = join(folder, 'documented-pictures');
    await mkdir(code);
    await makePictures(source, 2);
    metrics = `127.0.0.1:${await freePort()}`;
    const here = [
      ['temporal.example:7233', inject('temporalAddress')],
      ['mongodb://db.example/?replicaSet=rs0', env.MONGODB_URI ?? ''],
      ["namespace: 'photos'", `namespace: '${namespace}'`],
      [METRICS, metrics],
      ['/data/photos', folder],
      ['/data/cats', source],
    ] as const;
    const blocks = codeBlocks(await readFile(join(root, 'docs/plugin.md'), 'utf8'));
    for (const { name, text } of blocks) {
      const placed = here.reduce((text, [there, here]) => text.replaceAll(there, here), text);
      await writeFile(join(code, name), placed, { flag: 'wx' });
    }
  });

  const program = (name: string) => run(process.execPath, [join(code, name)], { cwd: code, env });

  /** Runs a worker until its `use` is over. Returns what the worker printed. */
  async function worker<T>(name: string, use: () => Promise<T>): Promise<{ used: T; output: string }> {
    const child = spawn(process.execPath, [join(code, name)], { cwd: code, env });
    const ended = once(child, 'exit');
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    const used = await Promise.race([use(), ended.then(() => expect.unreachable(output))]).finally(() => child.kill());
    await ended;
    expect(child.exitCode, output).toBe(0);
    return { used, output };
  }

  it('compiles for nodenext, with code of both kinds of modules and the types of all libraries', async () => {
    const documented = (await readdir(code)).map((name) => join(code, name));

    expect(await compile(['--module', 'nodenext'], 'types.ts', 'commonjs/types.ts', ...documented)).toBe('');
  });

  const load = (dataset: string) => plimsoll('load', source, '--dataset', dataset, '--no-embed', '--wait');

  it('runs a worker', async () => {
    await worker('worker.ts', () => load('by-a-worker'));
  });

  it('runs a worker with an interceptor in our workflows', async () => {
    const { output } = await worker('intercepted-worker.ts', () => load('intercepted'));

    expect(output).toContain('It begins.');
  });

  it('traces our workflows with OpenTelemetry', async () => {
    const { output } = await worker('tracing.ts', () => load('traced'));

    expect(output).toContain("name: 'RunWorkflow:loadDataset'");
  });

  it('tunes workers of both roles that tell Prometheus, and loads and watches with a client', async () => {
    const { used } = await worker('tuned.ts', async () => ({
      client: await program('client.ts'),
      metrics: await (await fetch(`http://${metrics}/metrics`)).text(),
    }));

    expect(used.client.stdout).toMatch(/^completed 2$/m);
    expect(used.metrics).toContain('temporal_worker_task_slots_used');
    expect(used.metrics).toContain('temporal_activity_schedule_to_start_latency');
  });

  it('tests without a model and without files', async () => {
    expect((await program('testing.ts')).stdout).toBe('1 1\n');
  });

  it('replays the histories of jobs and their children', async () => {
    const { stdout } = await program('replay.ts');

    const replayed = stdout.trim().split('\n');
    expect(replayed).toContain('load-cats replays');
    expect(replayed).toContain('embed-cats:built-in replays');
    expect(replayed.filter((line) => !line.endsWith(' replays'))).toEqual([]);
  });

  it('encrypts what Temporal stores, and the command shows such a job', async () => {
    expect((await program('encryption.ts')).stdout).toBe('completed\n');

    const connection = await Connection.connect({ address: inject('temporalAddress') });
    const { events } = await new Client({ connection, namespace }).workflow.getHandle('load-secrets').fetchHistory();
    await connection.close();
    const [input] = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    expect(Buffer.from(input?.metadata?.encoding ?? []).toString()).toBe('binary/encrypted');
    expect(JSON.parse((await plimsoll('status', 'secrets', '--json')).stdout)).toMatchObject({ state: 'completed' });
  });
});
