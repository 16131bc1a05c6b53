import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { makePictures } from '../support/pictures.ts';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

let folder: string;
let project: string;
let env: NodeJS.ProcessEnv;
let packed: string[];

/** Packs the package as it would be published, and installs it into a new project. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-packed-'));
  project = join(folder, 'own-worker');
  const mongodb = new URL(inject('mongodbUri'));
  mongodb.pathname = '/packed';
  env = { ...process.env, MONGODB_URI: mongodb.href, TEMPORAL_ADDRESS: inject('temporalAddress') };
  await cp(join(root, 'examples/own-worker'), project, { recursive: true });

  const pack = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root, env });
  const [{ filename, files }] = JSON.parse(pack.stdout.slice(pack.stdout.indexOf('[\n')));
  packed = files.map(({ path }: { path: string }) => path);
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline'];
  await run('npm', ['install', ...quiet, join(folder, filename)], { cwd: project, env });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const plimsoll = (...args: string[]) => run(join(project, 'node_modules/.bin/plimsoll'), args, { cwd: project, env });

describe('the packed package', () => {
  it('holds what its exports name, the schemas and the models, and no test', () => {
    expect(packed).toEqual(
      expect.arrayContaining([
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

  it('has types', async () => {
    await copyFile(join(import.meta.dirname, 'types-of-the-package.ts.txt'), join(project, 'types.ts'));
    const tsc = join(root, 'node_modules/.bin/tsc');
    const typeRoots = join(root, 'node_modules/@types');

    const { stdout } = await run(tsc, ['-p', project, '--typeRoots', typeRoots]).catch((failure) => failure);

    expect(stdout).toBe('');
  });

  it('brings the command', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

    expect((await plimsoll('--version')).stdout.trim()).toBe(version);
    expect(JSON.parse((await plimsoll('jobs', '--json')).stdout)).toMatchObject({ jobs: expect.any(Array) });
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
