import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Runtime, type WorkflowBundleOption } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { workflowBundle } from '../../workers/workflow-bundle.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-bundle-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the workflow bundle, where the cache folder can’t be written', () => {
  let bench: Workbench;
  let bundle: WorkflowBundleOption;
  let said: string[];

  beforeAll(async () => {
    bench = await openWorkbench({ roles: [] });
    const file = join(folder, 'file');
    await writeFile(file, '');
    const env = { PLIMSOLL_CACHE: join(file, 'cache') };
    const warn = vi.spyOn(Runtime.instance().logger, 'warn');
    bundle = await workflowBundle(env);
    expect(await workflowBundle(env)).toBe(bundle);
    said = warn.mock.calls.map(([message]) => message);
    warn.mockRestore();
  });
  afterAll(() => bench?.stop());

  it('is in memory, and runs', async () => {
    expect(bundle).toEqual({ code: expect.any(String) });
    const dataset = bench.newDataset();
    await bench.startWorker('indexing', { workflowBundle: bundle });

    expect(await bench.load({ dataset, source: '/nowhere/at/all' })).toMatchObject({
      state: 'failed',
      error: { code: 'SourceNotFound' },
    });
  });

  it('says so once, and names the setting', () => {
    expect(said).toEqual([
      expect.stringMatching(/ENOTDIR.*Set PLIMSOLL_CACHE to a folder that this process can write/),
    ]);
  });
});

it('leaves no part of itself in a cache folder that is full', async () => {
  const module = new URL('../../workers/workflow-bundle.ts', import.meta.url);
  const script = `console.log(Object.keys(await (await import('${module}')).workflowBundle()));process.exit()`;
  // Files of this process end at 64 KiB.
  const { stdout, stderr } = await promisify(execFile)(
    'sh',
    ['-c', 'ulimit -f 128; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', script],
    { env: { ...process.env, PLIMSOLL_CACHE: folder } },
  );

  expect(stdout).toBe("[ 'code' ]\n");
  expect(stderr).toContain('EFBIG');
  expect(await readdir(join(folder, 'bundles'))).toEqual([]);
});
