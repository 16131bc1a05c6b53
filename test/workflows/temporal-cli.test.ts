import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { provision } from '../../local/provision/provision.ts';
import { makePictures } from '../support/pictures.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let bench: Workbench;
let binary: string;

beforeAll(async () => {
  bench = await openWorkbench({ roles: ['indexing'] });
  binary = (await provision({ wanted: ['temporal'] })).temporal as string;
});
afterAll(() => bench.stop());

/** Runs Temporal's own command. Returns its output and how it ended. */
async function temporal(...args: string[]): Promise<{ code: number; output: string }> {
  try {
    const { stdout } = await promisify(execFile)(binary, [...args, '--address', inject('temporalAddress')]);
    return { code: 0, output: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}

const execute = (workflowId: string, input: string) =>
  temporal(
    ...['workflow', 'execute', '--type', 'loadDataset', '--task-queue', bench.taskQueue],
    ...['--workflow-id', workflowId, '--input', input, '--output', 'json'],
  );

describe('Temporal’s own command', () => {
  it('starts a load with one JSON object, awaits it and asks for its status', async () => {
    const dataset = bench.newDataset();
    const source = join(bench.folder, 'pictures');
    await makePictures(source, 3);

    const { code, output } = await execute(`load-${dataset}`, JSON.stringify({ dataset, source, embed: false }));
    expect(code).toBe(0);
    expect(JSON.parse(output).result).toMatchObject({ dataset, state: 'completed', phases: { indexing: { done: 3 } } });
    const query = await temporal(
      'workflow',
      'query',
      '--workflow-id',
      `load-${dataset}`,
      '--type',
      'status',
      '-o',
      'json',
    );
    expect(JSON.parse(query.output)).toMatchObject({ queryResult: [{ dataset, state: 'completed' }] });
    expect(await bench.status(dataset)).toMatchObject({ state: 'completed' });
  });

  it.each([
    ['a field of the wrong form', '{"dataset": "Über", "source": "/tmp"}', 'dataset must begin with'],
    ['a field that is left out', '{"dataset": "ok"}', 'source is required'],
    ['a field that there is not', '{"dataset": "ok", "source": "/tmp", "sauce": 1}', 'the input has no field'],
    ['something else than an object', '[1, 2]', 'the input must be an object'],
  ])('is told at once of %s', async (_, input, message) => {
    const { code, output } = await execute(`bad-${bench.newDataset()}`, input);

    expect(code).not.toBe(0);
    expect(output).toContain(message);
  });
});
