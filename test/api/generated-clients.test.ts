import { execFile } from 'node:child_process';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningApi, startApi } from '../../api/start-server.ts';
import { installNodePackages } from '../support/node-packages.ts';
import { makePictures } from '../support/pictures.ts';
import { installPythonPackages } from '../support/python-packages.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { settingsFor, uriOf } from './support/open-api.ts';

const sources = join(import.meta.dirname, 'clients');
const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

let bench: Workbench;
let api: RunningApi;
let python: string;
let node: string;
let photos: string;
/** The document as the server serves it. */
let document: string;

beforeAll(async () => {
  [bench, python, node] = await Promise.all([
    openWorkbench(),
    installPythonPackages(join(sources, 'requirements.txt')),
    installNodePackages(join(sources, 'package.json')),
  ]);
  photos = join(bench.folder, 'photos');
  await makePictures(photos, 3);
  api = await startApi({ ...settingsFor(uriOf(bench.store)), taskQueue: bench.taskQueue });
  const { mongodb, temporal } = api.context.backends;
  await Promise.all([mongodb.untilReady(), temporal.untilReady()]);
  document = join(bench.folder, 'openapi.json');
  await writeFile(document, await (await fetch(`${api.url}/api/openapi.json`)).text());
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

test('a client of openapi-python-client has all operations, and loads', async () => {
  const folder = join(bench.folder, 'python');
  await mkdir(folder);
  const env = { ...process.env, PATH: `${join(python, 'bin')}:${process.env.PATH}`, PYTHONPATH: `${python}:${folder}` };
  const into = ['--output-path', join(folder, 'plimsoll_client'), '--meta', 'none'];
  const generate = ['-m', 'openapi_python_client', 'generate', '--path', document, ...into];
  const { stdout: warnings } = await run('python3', generate, { env });

  // It knows no pictures and no metrics, and no schema is left out for another reason.
  expect(warnings).not.toMatch(/Unable to|Could not find reference/);
  const { stdout } = await run(
    'python3',
    [join(sources, 'load.py'), api.url, bench.newDataset(), photos, bench.embedTaskQueue],
    { env },
  );
  expect(stdout).toMatch(/^completed test-/);
});

test('openapi-typescript, with its default options, and orval make clients that compile and load', async () => {
  const folder = join(bench.folder, 'node');
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
  await symlink(join(node, 'node_modules'), join(folder, 'node_modules'));
  const tool = (name: string, ...args: string[]) => run(join(node, 'node_modules/.bin', name), args, { cwd: folder });
  const [, { stdout: told }] = await Promise.all([
    tool('openapi-typescript', document, '-o', 'openapi-typescript.ts'),
    tool('orval', '--input', document, '--output', './orval.ts', '--client', 'fetch'),
    copyFile(join(sources, 'load.ts.txt'), join(folder, 'load.ts')),
  ]);
  expect(told).not.toMatch(/failed/);
  const strict = ['--strict', '--noEmit', '--skipLibCheck', '--allowImportingTsExtensions'];
  const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
  await run(
    join(root, 'node_modules/.bin/tsc'),
    [...strict, ...types, '--module', 'nodenext', '--target', 'esnext', 'load.ts'],
    { cwd: folder },
  );

  const { stdout } = await run(
    process.execPath,
    ['load.ts', api.url, photos, bench.embedTaskQueue, bench.newDataset(), bench.newDataset()],
    { cwd: folder },
  );
  expect(stdout.trim()).toBe('completed completed');
});
