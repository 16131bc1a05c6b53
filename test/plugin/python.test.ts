import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { makePictures } from '../support/pictures.ts';
import { installPythonPackages } from '../support/python-packages.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

const example = join(import.meta.dirname, '../../examples/python');
const run = promisify(execFile);

let bench: Workbench;
let packages: string;

beforeAll(async () => {
  [bench, packages] = await Promise.all([openWorkbench(), installPythonPackages(join(example, 'requirements.txt'))]);
});
afterAll(() => bench?.stop());

const load = (...args: string[]) =>
  run('python3', [join(example, 'load.py'), '--task-queue', bench.taskQueue, ...args], {
    env: { ...process.env, PYTHONPATH: packages, TEMPORAL_ADDRESS: inject('temporalAddress') },
  });

describe('Temporal’s SDK for Python', () => {
  it('starts a load by its name with plain JSON, and awaits it', async () => {
    const dataset = bench.newDataset();
    const source = join(bench.folder, 'pictures');
    await makePictures(source, 4);

    const { stdout } = await load(dataset, source);

    const { job_id } = await bench.status(dataset);
    expect(JSON.parse(stdout)).toMatchObject({
      job_id,
      dataset,
      state: 'completed',
      phases: { indexing: { state: 'completed', done: 4, failed: 0 }, embedding: { state: 'completed', done: 4 } },
    });
  });

  it('says so where another kind of job holds the ID of a load', async () => {
    const dataset = bench.newDataset();
    const input = { taskQueue: 'nobody-polls-this', workflowId: `load-${dataset}`, args: [{ dataset }] };
    const prune = await bench.temporal.workflow.start('pruneDataset', input);

    const failure = await load(dataset, '/data/photos').catch((error) => error);

    expect(failure).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^AlreadyRunning: .*pruneDataset/),
    });
    await prune.terminate();
  });

  it('outlasts a time without a worker, which answers no query', async () => {
    const dataset = bench.newDataset();
    const source = join(bench.folder, 'pictures');
    await makePictures(source, 4);
    const taskQueue = `late-${dataset}`;
    const script = [join(example, 'load.py'), dataset, source, '--no-embed', '--task-queue', taskQueue];
    const env = { ...process.env, PYTHONPATH: packages, TEMPORAL_ADDRESS: inject('temporalAddress') };
    const loading = spawn('python3', script, { env });
    const ended = once(loading, 'exit');
    for await (const line of createInterface(loading.stderr)) if (line.startsWith('no status: ')) break;
    expect(loading.exitCode).toBeNull();

    await bench.startWorker('indexing', { taskQueue });

    expect(await ended).toEqual([0, null]);
  });

  it('is told by the failure’s type why a load failed', async () => {
    const failure = await load(bench.newDataset(), '/nowhere/at/all').catch((error) => error);

    expect(failure).toMatchObject({ code: 1, stderr: expect.stringMatching(/^SourceNotFound: source: /m) });
  });
});
