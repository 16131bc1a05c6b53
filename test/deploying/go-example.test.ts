import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { makePictures } from '../support/pictures.ts';
import { Unavailable } from '../support/wheel-file.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { buildGoProgram } from './go-program.ts';

const example = join(import.meta.dirname, '../../examples/go');
const run = promisify(execFile);

let bench: Workbench;
let program: string;
let missing: string | undefined;

beforeAll(async () => {
  try {
    [program, bench] = await Promise.all([buildGoProgram(example), openWorkbench()]);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    missing = error.message;
  }
});
beforeEach(({ skip }) => skip(missing !== undefined, `The example in Go is not tested: ${missing}`));
afterAll(() => bench?.stop());

const env = () => ({ ...process.env, TEMPORAL_ADDRESS: inject('temporalAddress') });
const load = (dataset: string, source: string) =>
  run(program, ['--task-queue', bench.taskQueue, '--no-embed', dataset, source], { env: env() });

describe('Temporal’s SDK for Go', () => {
  it('starts a load by its name with plain JSON, awaits it and prints its counts', async () => {
    const dataset = bench.newDataset();
    const source = join(bench.folder, 'pictures');
    await makePictures(source, 4);

    const { stdout } = await load(dataset, source);

    const { job_id } = await bench.status(dataset);
    expect(stdout).toBe(`${job_id}  indexing completed 4/4, 0 failed  embedding skipped 0/0, 0 failed\n`);
  });

  it('joins a load that runs, shows its status, and outlasts a time without a worker', async () => {
    const dataset = bench.newDataset();
    const source = join(bench.folder, 'pictures');
    await makePictures(source, 4);
    const taskQueue = `late-${dataset}`;
    const args = ['--task-queue', taskQueue, '--no-embed', dataset, source];
    const first = spawn(program, args, { env: env() });
    const ended = once(first, 'exit');
    for await (const line of createInterface(first.stderr)) if (line.startsWith('no status: ')) break;
    const second = run(program, args, { env: env() });

    await bench.startWorker('indexing', { taskQueue });

    expect(await ended).toEqual([0, null]);
    const { job_id } = await bench.status(dataset);
    expect((await second).stdout).toContain(`${job_id}  indexing completed 4/4`);
  });

  it('says so where another kind of job holds the ID of a load', async () => {
    const dataset = bench.newDataset();
    const input = { taskQueue: 'nobody-polls-this', workflowId: `load-${dataset}`, args: [{ dataset }] };
    const prune = await bench.temporal.workflow.start('pruneDataset', input);

    const failure = await load(dataset, '/data/photos').catch((error) => error);

    expect(failure).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `AlreadyRunning: load-${dataset} is a pruneDataset: wait for its end\n`,
    });
    await prune.terminate();
  });

  it('is told by the failure’s type why a load failed', async () => {
    const failure = await load(bench.newDataset(), '/nowhere/at/all').catch((error) => error);

    expect(failure).toMatchObject({ code: 1, stderr: expect.stringMatching(/^SourceNotFound: source: /m) });
  });
});
